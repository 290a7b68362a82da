#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/operator/watermark_strategy.h"
#include "common/types/record.h"
#include "weir/function_traits.h"
#include "weir/key_functions.h"
#include "weir/watermark_generator.h"

namespace weir {

/// How a source, or Stream::AssignTimestampsAndWatermarks, gets event times and watermarks, as in
/// Flink. A value: the With... functions return a changed copy.
///
///   WatermarkStrategy::ForBoundedOutOfOrderness(5s)
///       .WithTimestampAssigner([](const Flight::View& flight) { return flight.departure; })
///       .WithIdleness(1min)
///
/// Assigners and generators take the rows of that source or stream; what is wrong about a strategy
/// is said when the job is planned.
class WatermarkStrategy {
 public:
  /// No watermarks. Event times are still those of the source, or of an assigner.
  static WatermarkStrategy None();
  static WatermarkStrategy NoWatermarks() { return None(); }
  /// Event times never go back within a split (Flink's forMonotonousTimestamps).
  static WatermarkStrategy Monotonic();
  /// Event times are at most this much behind the highest one seen in their split.
  static WatermarkStrategy ForBoundedOutOfOrderness(std::chrono::microseconds bound);

  /// By generators of one's own, which `factory` makes: one for each split of the source. It
  /// returns a std::unique_ptr of a class derived from WatermarkGenerator<T>, and may be called on
  /// several threads.
  template <class Factory>
  static WatermarkStrategy ForGenerator(Factory factory);

  /// Event times come out of the records instead of the source. The function takes a row view
  /// (const T::View&) or a const T&, and returns a weir::Timestamp (or any system_clock time
  /// point), or microseconds since the epoch as int64_t. It is shared by all subtasks: no state of
  /// its own. With a second parameter it is given the event time that the record has without it
  /// (Kafka's): a std::optional<weir::Timestamp>, or a weir::Timestamp, which is Timestamp::min()
  /// for a record without.
  template <class F>
  WatermarkStrategy WithTimestampAssigner(F function) const;
  /// A field of the record, a weir::Timestamp or microseconds since the epoch as int64_t:
  /// WithTimestampAssigner(&Flight::departure).
  template <class K, RecordType Record>
  WatermarkStrategy WithTimestampAssigner(K Record::*field) const;

  /// A split without records for this long, above zero, no longer holds the watermark back. Time in
  /// which the task is backpressured does not count.
  WatermarkStrategy WithIdleness(std::chrono::microseconds idle_after) const;

  const std::shared_ptr<const WatermarkStrategySpec>& spec() const { return spec_; }

 private:
  using AssignFunction = std::function<std::vector<int64_t>(const Batch&)>;
  explicit WatermarkStrategy(std::shared_ptr<const WatermarkStrategySpec> spec)
      : spec_(std::move(spec)) {}
  static WatermarkStrategy OfGenerators(
      SchemaPtr rows, std::function<std::unique_ptr<BatchWatermarkGenerator>()> make);
  WatermarkStrategy WithAssignFunction(SchemaPtr rows, AssignFunction assign) const;
  /// As the field has no name, it is not in the record.
  WatermarkStrategy WithAssignField(SchemaPtr rows, const std::string& field,
                                    AssignFunction assign) const;

  std::shared_ptr<const WatermarkStrategySpec> spec_;
};

namespace internal {

template <class Time>
int64_t MicrosOf(const Time& time) {
  if constexpr (std::is_integral_v<Time>) {
    return static_cast<int64_t>(time);
  } else {
    return std::chrono::time_point_cast<std::chrono::microseconds>(time).time_since_epoch().count();
  }
}

/// With the event time that the record has by then, where the function wants it.
template <class T, class F>
auto AssignTime(F& function, const RecordReader<T>& reader, size_t row, const int64_t* before) {
  if constexpr (kTakesRow<T, F, const std::optional<Timestamp>&>) {
    std::optional<Timestamp> time;
    if (before != nullptr) time = Timestamp(std::chrono::microseconds(before[row]));
    return CallWithRow<T>(function, reader, row, std::as_const(time));
  } else if constexpr (kTakesRow<T, F, const Timestamp&>) {
    const Timestamp time =
        before == nullptr ? Timestamp::min() : Timestamp(std::chrono::microseconds(before[row]));
    return CallWithRow<T>(function, reader, row, time);
  } else {
    return CallWithRow<T>(function, reader, row);
  }
}

template <class Pointer>
struct GeneratorOf {
  static_assert(sizeof(Pointer) == 0, "ForGenerator's factory returns a std::unique_ptr");
};
template <class Generator>
struct GeneratorOf<std::unique_ptr<Generator>> {
  using type = Generator;
};

}  // namespace internal

template <class Factory>
WatermarkStrategy WatermarkStrategy::ForGenerator(Factory factory) {
  using Pointer = std::invoke_result_t<Factory&>;
  using Generator = typename internal::GeneratorOf<Pointer>::type;
  using T = typename Generator::InputType;
  static_assert(std::is_base_of_v<WatermarkGenerator<T>, Generator>,
                "ForGenerator's factory returns a std::unique_ptr of a class that is derived from "
                "weir::WatermarkGenerator");
  return OfGenerators(
      SchemaOf<T>(),
      [factory = std::move(factory)]() mutable -> std::unique_ptr<BatchWatermarkGenerator> {
        std::unique_ptr<WatermarkGenerator<T>> generator = factory();
        if (generator == nullptr) return nullptr;
        return std::make_unique<internal::RowWatermarkGenerator<T>>(std::move(generator));
      });
}

template <class F>
WatermarkStrategy WatermarkStrategy::WithTimestampAssigner(F function) const {
  using T = internal::RecordOfArgument<F>;
  return WithAssignFunction(SchemaOf<T>(), [function = std::move(function)](const Batch& batch) {
    const RecordReader<T> reader(batch);
    const int64_t* before = batch.event_times();
    CurrentCall& call = ThisThreadsCall();
    std::vector<int64_t> times;
    times.reserve(reader.rows());
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      times.push_back(internal::MicrosOf(internal::AssignTime<T>(function, reader, row, before)));
    }
    call.ClearRow();
    return times;
  });
}

template <class K, RecordType Record>
WatermarkStrategy WatermarkStrategy::WithTimestampAssigner(K Record::*field) const {
  static_assert(std::is_same_v<K, Timestamp> || std::is_same_v<K, int64_t>,
                "WithTimestampAssigner takes a field of type weir::Timestamp, or an int64_t with "
                "microseconds since the epoch");
  internal::FieldKey<Record, K> column(field);
  const std::string name = column.Describe();
  return WithAssignField(SchemaOf<Record>(), name, [column](const Batch& batch) {
    internal::FieldKey<Record, K> one = column;
    const auto values = one.Bind(batch);
    std::vector<int64_t> times;
    times.reserve(batch.num_rows());
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      times.push_back(internal::MicrosOf(values.At(row)));
    }
    return times;
  });
}

}  // namespace weir
