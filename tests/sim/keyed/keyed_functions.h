#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "tests/sim/keyed/keyed_input.h"
#include "tests/sim/keyed/keyed_records.h"
#include "weir/weir.h"

namespace weir::sim {

/// An accumulator; also what a slot of timers has.
struct RowSum {
  int64_t count = 0;
  int64_t sum = 0;
  WEIR_RECORD(RowSum, count, sum)
};

/// A row of a slot that has not fired.
struct SlotRow {
  int64_t slot = 0;
  int64_t value = 0;
  WEIR_RECORD(SlotRow, slot, value)
};

inline const OutputTag<ModelRecord>& LateTag() {
  static const OutputTag<ModelRecord>& tag = *new OutputTag<ModelRecord>("late");
  return tag;
}

/// Adds the rows of a slot up in a map, and fires by a timer at its end. With `closing_delay` each
/// timer registers a second one. With `late`, rows of slots that are over go to the side output.
/// With `lists` the map has only numbers of rows, and the values are in one list of the key.
class SlotTimers final : public KeyedProcessFunction<int64_t, ModelRecord, KeyedResult> {
 public:
  struct Options {
    KeyedInput input;
    int64_t size_us = 1;
    int64_t closing_delay_us = 0;
    bool late = false;
    bool lists = false;
  };
  explicit SlotTimers(const Options& options) : options_(options) {}

  void Open(RuntimeContext& context) override {
    slots_ = context.GetMapState(MapStateDescriptor<int64_t, RowSum>("slots"));
    fired_ = context.GetState(ValueStateDescriptor<int64_t>("fired"));
    if (options_.lists) rows_ = context.GetListState(ListStateDescriptor<SlotRow>("rows"));
  }
  void ProcessElement(const ModelRecord::View& row, Context& context,
                      Collector<KeyedResult>&) override {
    const int64_t slot = FloorTo(context.Timestamp()->time_since_epoch().count(), options_.size_us);
    const Timestamp last = At(slot + options_.size_us - 1);
    const std::optional<Timestamp> watermark = context.Timers().CurrentWatermark();
    if (options_.late && watermark.has_value() && last <= *watermark) {
      return context.Output(LateTag(), row);
    }
    bool fresh = false;
    RowSum& sum = slots_.GetOrCreate(slot, &fresh);
    ++sum.count;
    const int64_t value = options_.input.At(row.split, row.index).value;
    if (options_.lists) {
      rows_.Add(SlotRow{slot, value});
    } else {
      sum.sum += value;
    }
    if (fresh) context.Timers().RegisterEventTimeTimer(last);
  }
  void OnTimer(Timestamp time, Context& context, Collector<KeyedResult>& out) override {
    const int64_t at = time.time_since_epoch().count();
    const int64_t key = context.CurrentKey();
    const int64_t fired = fired_.Value().value_or(0);
    if (FloorTo(at + 1, options_.size_us) != at + 1) {
      return out.Collect(KeyedResult{key, KeyedResult::kClosing, at, at, 0, 0, fired});
    }
    const int64_t slot = at + 1 - options_.size_us;
    RowSum sum = slots_.Get(slot).value_or(RowSum());
    if (options_.lists) sum.sum = TakeRows(slot);
    slots_.Remove(slot);
    fired_.Update(fired + 1);
    out.Collect(KeyedResult{key, KeyedResult::kFired, slot, at + 1, sum.count, sum.sum,
                            options_.late ? 0 : fired + 1});
    if (options_.closing_delay_us > 0) {
      context.Timers().RegisterEventTimeTimer(At(at + options_.closing_delay_us));
    }
  }

 private:
  static Timestamp At(int64_t micros) { return Timestamp(std::chrono::microseconds(micros)); }
  /// The sum of the slot's rows, which are in the list no more.
  int64_t TakeRows(int64_t slot) {
    int64_t sum = 0;
    std::vector<SlotRow> others;
    for (const SlotRow& row : rows_.Get()) {
      if (row.slot == slot) {
        sum += row.value;
      } else {
        others.push_back(row);
      }
    }
    rows_.Update(others);
    return sum;
  }

  const Options options_;
  MapState<int64_t, RowSum> slots_;
  ValueState<int64_t> fired_;
  ListState<SlotRow> rows_;
};

/// A row that waits for a timer of processing time.
struct ClockWait {
  int64_t until = 0;
  bool again = false;  // for one more, behind it
  WEIR_RECORD(ClockWait, until, again)
};

/// Gives each row out by a timer of processing time; half of them wait for a second one, which the
/// first registers. A timer that comes before its time, or for which no row waits, is astray.
class ClockTimers final : public KeyedProcessFunction<int64_t, ModelRecord, KeyedResult> {
 public:
  explicit ClockTimers(const KeyedInput& input) : input_(input) {}

  void Open(RuntimeContext& context) override {
    waiting_ = context.GetMapState(MapStateDescriptor<int64_t, ClockWait>("waiting"));
  }
  void ProcessElement(const ModelRecord::View& row, Context& context,
                      Collector<KeyedResult>&) override {
    const int64_t value = input_.At(row.split, row.index).value;
    Wait(row.split * kRows + row.index, value, value % 2 == 1, context);
  }
  void OnTimer(Timestamp time, Context& context, Collector<KeyedResult>& out) override {
    const int64_t at = time.time_since_epoch().count();
    std::vector<std::pair<int64_t, ClockWait>> due;
    waiting_.ForEach([&](int64_t number, const ClockWait& wait) {
      if (wait.until == at) due.emplace_back(number, wait);
    });
    if (due.empty() || context.Domain() != TimeDomain::kProcessingTime ||
        context.Timers().CurrentProcessingTime() < time) {
      out.Collect(KeyedResult{context.CurrentKey(), KeyedResult::kAstray, at, at, 0, 0, 0});
    }
    for (const auto& [number, wait] : due) {
      const KeyedInput::Record record = input_.At(number / kRows, number % kRows);
      if (wait.again) {
        Wait(number, record.value / 2, false, context);
        continue;
      }
      waiting_.Remove(number);
      out.Collect(KeyedResult{record.key, KeyedResult::kTicked, record.split, record.index, 1,
                              record.value, 0});
    }
  }

 private:
  static constexpr int64_t kRows = 1'000'000;  // more than a split has

  void Wait(int64_t number, int64_t value, bool again, Context& context) {
    const Timestamp until = context.Timers().CurrentProcessingTime() +
                            std::chrono::microseconds(1 + value % input_.config().size_us);
    waiting_.Put(number, ClockWait{until.time_since_epoch().count(), again});
    context.Timers().RegisterProcessingTimeTimer(until);
  }

  const KeyedInput input_;
  MapState<int64_t, ClockWait> waiting_;
};

class SumOfRecords final : public AggregateFunction<ModelRecord::View, RowSum, RowSum> {
 public:
  explicit SumOfRecords(const KeyedInput& input) : input_(input) {}
  void Add(const ModelRecord::View& row, RowSum& sum) const override {
    ++sum.count;
    sum.sum += input_.At(row.split, row.index).value;
  }
  RowSum GetResult(const RowSum& sum) const override { return sum; }
  void Merge(const RowSum& other, RowSum& sum) const override {
    sum.count += other.count;
    sum.sum += other.sum;
  }

 private:
  const KeyedInput input_;
};

class SumOfResults final : public AggregateFunction<KeyedResult::View, RowSum, RowSum> {
 public:
  void Add(const KeyedResult::View& row, RowSum& sum) const override {
    sum.count += row.count;
    sum.sum += row.sum;
  }
  RowSum GetResult(const RowSum& sum) const override { return sum; }
};

inline KeyedResult ResultOf(int64_t key, const TimeWindow& window, const RowSum& sum) {
  return {key, KeyedResult::kFired, window.start_micros(), window.end_micros(), sum.count, sum.sum,
          0};
}

/// Puts key and window to the sum.
class ResultOfWindow final : public ProcessWindowFunction<RowSum, KeyedResult, int64_t> {
 public:
  void Process(const int64_t& key, WindowContext& context, std::span<const RowSum> sums,
               Collector<KeyedResult>& out) override {
    out.Collect(ResultOf(key, context.Window(), sums[0]));
  }
};

/// The same of all rows.
class ResultOfRows final : public ProcessWindowFunction<ModelRecord, KeyedResult, int64_t> {
 public:
  explicit ResultOfRows(const KeyedInput& input) : sum_(input) {}
  void Process(const int64_t& key, WindowContext& context, std::span<const ModelRecord> rows,
               Collector<KeyedResult>& out) override {
    RowSum sum;
    for (const ModelRecord& row : rows) sum_.Add({row.split, row.index}, sum);
    out.Collect(ResultOf(key, context.Window(), sum));
  }

 private:
  const SumOfRecords sum_;
};

}  // namespace weir::sim
