#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/types/key_bytes.h"
#include "common/types/key_codec.h"
#include "weir/batch_keys.h"
#include "weir/window_contents.h"
#include "weir/window_operator.h"

/// The operators behind WindowedStream, with the types of rows and accumulators. Contents and
/// Emitter: weir/window_contents.h.
namespace weir {

namespace internal {

inline constexpr char kWindowContents[] = "window-contents";

/// The author's part of a window operator: what is added, and what comes out.
template <class KeyOf, RowType In, RowType Out, class Contents, class Emitter>
struct WindowParts {
  std::optional<FunctionContext> function_context;  // the author's function may keep its address
  KeyOf key;
  Contents contents;
  Emitter emitter;
  Collector<Out> collector = {};
  KeyBytes key_bytes = {};

  void OpenEmitter(const OperatorContext& context) {
    function_context.emplace(context);
    emitter.Open(*function_context);
  }
  template <class Keys>
  absl::string_view KeyAt(const Keys& keys, size_t row) {
    return key_bytes.Of(keys.At(row));
  }
  void Emit(const typename Contents::Accumulator& accumulator, KeyedStateStore& store,
            WindowContext& context) {
    CollectorAccess::SetTime(collector, context.Window().max_timestamp_micros());
    emitter.Emit(contents, accumulator, store, context, collector);
  }
  void Begin(Output& out, SideOutputs& side_outputs) {
    CollectorAccess::BeginTimed(collector, out);
    side_outputs.Begin();
  }
  bool WentOn(const SideOutputs& side_outputs) const {
    return CollectorAccess::WentOn(collector) || side_outputs.WentOn();
  }
  absl::Status End(SideOutputs& side_outputs) {
    absl::Status status = CollectorAccess::End(collector);
    return status.ok() ? side_outputs.Flush() : status;
  }
};

}  // namespace internal

/// Tumbling and sliding windows: an accumulator for each key and slice.
/// Threads, errors: as Operator.
template <class KeyOf, RowType In, RowType Out, class Contents, class Emitter>
class TypedSliceWindowOperator final : public SliceWindowOperator {
  using Accumulator = typename Contents::Accumulator;
  using Parts = internal::WindowParts<KeyOf, In, Out, Contents, Emitter>;

 public:
  TypedSliceWindowOperator(internal::WindowSpec spec, KeyOf key, Contents contents, Emitter emitter)
      : SliceWindowOperator(std::move(spec)),
        parts_{{}, std::move(key), std::move(contents), std::move(emitter)} {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    if (absl::Status status = CheckTimes(*batch); !status.ok()) return status;
    const RecordReader<In> reader(*batch);
    const auto keys = parts_.key.Bind(*batch);
    const int64_t* times = spec().processing_time ? nullptr : batch->event_times();
    CurrentCall& call = ThisThreadsCall();
    Begin(*batch, out);
    const bool prefetches = store().prefetches();
    if (prefetches) {
      batch_keys_.Take(keys, reader.rows(), call,
                       [this](absl::string_view bytes) { return RefOf(bytes); });
    }
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      if (prefetches) Prefetch(row, times);
      const KeyRef key = prefetches ? batch_keys_.refs()[row] : RefOf(parts_.KeyAt(keys, row));
      store().SetCurrentKey(key);
      Add(reader, row, times == nullptr ? now_micros() : times[row], Reached(key.group));
    }
    call.ClearRow();
    if (absl::Status status = End(); !status.ok()) return status;
    return EmitLate(batch);
  }

  void Close() override { parts_.emitter.Close(); }

 private:
  /// The slices that rows of batch_keys_ will go to, from this one on, if it is their turn.
  void Prefetch(size_t row, const int64_t* times) {
    const absl::Span<const KeyRef> keys = batch_keys_.ToPrefetchAt(row);
    if (keys.empty()) return;
    slice_keys_.clear();
    slice_refs_.clear();
    for (const KeyRef& key : keys) {
      const Slice& slice = SliceAt(times == nullptr ? now_micros() : times[row]);
      ++row;
      if (slice.last_window_end < slice.first_window_end) continue;
      if (slice.clean_up_time <= Reached(key.group)) continue;
      EncodeKey(slice.start, &slice_keys_);
      slice_refs_.push_back({key, {}});
    }
    if (slice_refs_.empty()) return;
    const size_t bytes = slice_keys_.size() / slice_refs_.size();
    for (size_t i = 0; i < slice_refs_.size(); ++i) {
      slice_refs_[i].map_key = {slice_keys_.data() + i * bytes, bytes};
    }
    if constexpr (Contents::kRows) {
      slices_.PrefetchToAppend(slice_refs_);
    } else {
      slices_.Prefetch(slice_refs_);
    }
  }

  void Add(const RecordReader<In>& reader, size_t row, int64_t time, int64_t reached) {
    const Slice& slice = SliceAt(time);
    if (slice.last_window_end < slice.first_window_end) return AddFiltered();
    if (slice.clean_up_time <= reached) return AddLate(row);
    bool fresh = false;
    if constexpr (Contents::kRows) {
      // One that may be there already has the same timers, or needs them no more.
      fresh = slices_.Append(slice.start, reader.Materialize(row));
    } else {
      Accumulator& accumulator = slices_.GetOrCreate(slice.start, &fresh);
      if (fresh) accumulator = parts_.contents.Create();
      parts_.contents.Add(reader, row, accumulator);
    }
    if (fresh) RegisterTimers(slice, reached);
    if (slice.first_window_end - 1 <= reached) FireAgain(slice, reached);
  }

  absl::Status OpenFunction(const OperatorContext& context) override {
    slices_ =
        store().GetMapState(MapStateDescriptor<int64_t, Accumulator>(internal::kWindowContents));
    parts_.OpenEmitter(context);
    return OpenContext(context);
  }
  void BeginOutput(Output& out) override { parts_.Begin(out, side_outputs()); }
  bool OutputWentOn() const override { return parts_.WentOn(side_outputs()); }
  absl::Status EndOutput() override { return parts_.End(side_outputs()); }

  bool FireWindow(const TimeWindow& window, std::vector<int64_t>& last_of) override {
    // Windows that do not overlap are a slice each, which has its own timer.
    if (layout().width() == layout().size()) {
      const Accumulator* only = slices_.Peek(window.start_micros());
      if (only == nullptr) return false;
      last_of.push_back(window.start_micros());
      parts_.Emit(*only, store(), ContextOf(window));
      return false;
    }
    const int64_t next_start = window.start_micros() + layout().slide();
    bool more = false;
    std::optional<Accumulator> merged;
    slices_.ForEachFrom(window.start_micros(), [&](int64_t start, const Accumulator& slice) {
      more = more || (start >= next_start && start < next_start + layout().size());
      if (start >= window.end_micros()) return false;
      if (start < next_start) last_of.push_back(start);
      if (merged.has_value()) {
        parts_.contents.Merge(slice, *merged);
      } else {
        merged = slice;
      }
      return true;
    });
    if (merged.has_value()) parts_.Emit(*merged, store(), ContextOf(window));
    return more;
  }
  std::vector<int64_t> SliceStarts() override { return slices_.Keys(); }
  void RemoveSlice(int64_t start) override { slices_.Remove(start); }

  Parts parts_;
  MapState<int64_t, Accumulator> slices_;
  internal::BatchKeys batch_keys_;
  std::string slice_keys_;  // of slice_refs_; all of one size
  std::vector<MapEntryRef> slice_refs_;
};

/// Sessions: an accumulator, with its times, for each key and session.
/// Threads, errors: as Operator.
template <class KeyOf, RowType In, RowType Out, class Contents, class Emitter>
class TypedSessionOperator final : public SessionWindowOperator {
  using Accumulator = typename Contents::Accumulator;
  using Parts = internal::WindowParts<KeyOf, In, Out, Contents, Emitter>;
  using Session = std::pair<SessionTimes, Accumulator>;

 public:
  TypedSessionOperator(internal::WindowSpec spec, KeyOf key, Contents contents, Emitter emitter)
      : SessionWindowOperator(std::move(spec)),
        parts_{{}, std::move(key), std::move(contents), std::move(emitter)} {}

  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    if (absl::Status status = CheckTimes(*batch); !status.ok()) return status;
    const RecordReader<In> reader(*batch);
    const auto keys = parts_.key.Bind(*batch);
    CurrentCall& call = ThisThreadsCall();
    Begin(*batch, out);
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      const KeyRef key = RefOf(parts_.KeyAt(keys, row));
      store().SetCurrentKey(key);
      Add(reader, row, internal::ClampToWindowTime(batch->event_times()[row]), Reached(key.group));
    }
    call.ClearRow();
    if (absl::Status status = End(); !status.ok()) return status;
    return EmitLate(batch);
  }

  void Close() override { parts_.emitter.Close(); }

 private:
  void Add(const RecordReader<In>& reader, size_t row, int64_t time, int64_t reached) {
    int64_t start = time;
    int64_t end = time + spec().size_micros;
    met_.clear();
    const int64_t last_start = end;
    sessions_.ForEachFrom(std::numeric_limits<int64_t>::min(),
                          [&](int64_t other_start, const Session& other) {
                            if (other_start > last_start) return false;
                            if (other.first.end < time) return true;
                            met_.push_back(other_start);
                            start = std::min(start, other_start);
                            end = std::max(end, other.first.end);
                            return true;
                          });
    if (CleanUpTime(end) <= reached) return AddLate(row);
    bool fresh = met_.size() != 1 || met_[0] != start;
    if (fresh) Join(start);
    bool created = false;
    Session& session = sessions_.GetOrCreate(start, &created);
    if (created) session.second = parts_.contents.Create();
    parts_.contents.Add(reader, row, session.second);
    session.first.end = end;
    // The timers' table is another one than the sessions', so times are taken out and put back.
    SessionTimes times = session.first;
    Settle(times, reached, fresh);
    sessions_.GetOrCreate(start, &created).first = times;
  }

  /// Makes one session of those that were met, at `start` and without a timer; none when none was.
  void Join(int64_t start) {
    if (met_.empty()) return;
    std::optional<Session> joined;
    for (const int64_t met : met_) {
      const std::optional<Session> met_session = sessions_.Get(met);
      if (!met_session.has_value()) continue;  // it could not be read: the task fails
      const Session& session = *met_session;
      DeleteTimer(session.first);
      sessions_.Remove(met);
      if (joined.has_value()) {
        parts_.contents.Merge(session.second, joined->second);
      } else {
        joined = session;
      }
    }
    if (joined.has_value()) sessions_.Put(start, *std::move(joined));
  }

  void OnSessionTimer(int64_t time, bool leaving) override {
    met_.clear();
    sessions_.ForEach([&](int64_t start, const Session& session) {
      if (session.first.timer == time && session.first.leaving == leaving) met_.push_back(start);
    });
    for (const int64_t start : met_) OnTimerOf(start, time);
  }
  void OnTimerOf(int64_t start, int64_t time) {
    const Session* session = sessions_.Peek(start);
    if (session == nullptr) return;  // it cannot be read: the store's status says why
    SessionTimes times = session->first;
    if (!times.leaving && times.end - 1 > time) {
      times.timer = times.end - 1;
      RegisterTimer(times);
    } else {
      if (!times.leaving) Emit(start);
      if (!Leave(times, time)) return sessions_.Remove(start);
    }
    bool created = false;
    sessions_.GetOrCreate(start, &created).first = times;
  }
  size_t SessionsWith(int64_t time, bool leaving) override {
    size_t count = 0;
    sessions_.ForEach([&](int64_t, const Session& session) {
      if (session.first.timer == time && session.first.leaving == leaving) ++count;
    });
    return count;
  }

  void Emit(int64_t start) {
    const Session* session = sessions_.Peek(start);
    if (session == nullptr) return;  // it could not be read: the task fails
    parts_.Emit(session->second, store(), ContextOf(TimeWindow(start, session->first.end)));
  }

  absl::Status OpenFunction(const OperatorContext& context) override {
    sessions_ =
        store().GetMapState(MapStateDescriptor<int64_t, Session>(internal::kWindowContents));
    parts_.OpenEmitter(context);
    return OpenContext(context);
  }
  void BeginOutput(Output& out) override { parts_.Begin(out, side_outputs()); }
  bool OutputWentOn() const override { return parts_.WentOn(side_outputs()); }
  absl::Status EndOutput() override { return parts_.End(side_outputs()); }

  Parts parts_;
  MapState<int64_t, Session> sessions_;
  std::vector<int64_t> met_;  // starts of the sessions that a row, or a timer, has met
};

}  // namespace weir
