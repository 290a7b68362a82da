#pragma once

#include <chrono>
#include <cstdint>

#include "common/types/field_traits.h"

namespace weir {

/// The event times of `Start()` up to, and without, `End()` (Flink's TimeWindow). A value.
class TimeWindow {
 public:
  constexpr TimeWindow() = default;
  constexpr TimeWindow(int64_t start_micros, int64_t end_micros)
      : start_micros_(start_micros), end_micros_(end_micros) {}

  Timestamp Start() const { return Timestamp(std::chrono::microseconds(start_micros_)); }
  Timestamp End() const { return Timestamp(std::chrono::microseconds(end_micros_)); }
  /// The largest time in it: what its results carry.
  Timestamp MaxTimestamp() const {
    return Timestamp(std::chrono::microseconds(max_timestamp_micros()));
  }

  // The same in microseconds since 1970.
  constexpr int64_t start_micros() const { return start_micros_; }
  constexpr int64_t end_micros() const { return end_micros_; }
  constexpr int64_t max_timestamp_micros() const { return end_micros_ - 1; }

  bool operator==(const TimeWindow&) const = default;

 private:
  int64_t start_micros_ = 0;
  int64_t end_micros_ = 0;
};

}  // namespace weir
