#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/types/record.h"
#include "weir/function_traits.h"

namespace weir {

struct WatermarkStrategySpec;

/// How a source gets event times and watermarks, as in Flink. A value: the With... functions return
/// a changed copy.
///
///   WatermarkStrategy::ForBoundedOutOfOrderness(5s)
///       .WithTimestampAssigner([](const Flight::View& flight) { return flight.departure; })
///       .WithIdleness(1min)
class WatermarkStrategy {
 public:
  /// No watermarks. Event times are still those of the source, or of an assigner.
  static WatermarkStrategy None();
  /// Event times never go back within a split (Flink's forMonotonousTimestamps).
  static WatermarkStrategy Monotonic();
  /// Event times are at most this much behind the highest one seen in their split.
  static WatermarkStrategy ForBoundedOutOfOrderness(std::chrono::microseconds bound);

  /// Event times come out of the records instead of the source. The function takes a row view
  /// (const T::View&) or a const T&, and returns a weir::Timestamp (or any system_clock time
  /// point), or microseconds since the epoch as int64_t. It must take the type of the source's
  /// stream, and is shared by all subtasks: no state of its own.
  template <class F>
  WatermarkStrategy WithTimestampAssigner(F function) const;

  /// A split without records for this long no longer holds the watermark back.
  WatermarkStrategy WithIdleness(std::chrono::microseconds idle_after) const;

  const std::shared_ptr<const WatermarkStrategySpec>& spec() const { return spec_; }

 private:
  using AssignFunction = std::function<std::vector<int64_t>(const Batch&)>;
  explicit WatermarkStrategy(std::shared_ptr<const WatermarkStrategySpec> spec)
      : spec_(std::move(spec)) {}
  WatermarkStrategy WithAssignFunction(AssignFunction assign) const;

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

}  // namespace internal

template <class F>
WatermarkStrategy WatermarkStrategy::WithTimestampAssigner(F function) const {
  using T = internal::RecordOfArgument<F>;
  return WithAssignFunction([function = std::move(function)](const Batch& batch) {
    const RecordReader<T> reader(batch);
    std::vector<int64_t> times;
    times.reserve(reader.rows());
    for (size_t row = 0; row < reader.rows(); ++row) {
      times.push_back(internal::MicrosOf(internal::CallWithRow<T>(function, reader, row)));
    }
    return times;
  });
}

}  // namespace weir
