#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <limits>
#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace weir {

/// When something happened, as the record says: microseconds since 1970-01-01 UTC. Watermarks are
/// event times too. Never mixed up with the clock of a machine.
///
/// Min() is "before everything" (the watermark before any was seen), Max() "after everything" (the
/// watermark at the end of the input). Both absorb: adding to them changes nothing; other sums stop
/// at the ends instead of wrapping around. Fractions of a microsecond are cut off.
class EventTime {
 public:
  constexpr EventTime() = default;  // 1970-01-01
  static constexpr EventTime FromMicros(int64_t micros) { return EventTime(micros); }
  /// Stops at the ends of the range.
  static constexpr EventTime FromMillis(int64_t millis) {
    return EventTime(SaturatedProduct(millis, 1000));
  }
  static EventTime FromTime(absl::Time time) { return EventTime(absl::ToUnixMicros(time)); }
  static constexpr EventTime Min() { return EventTime(std::numeric_limits<int64_t>::min()); }
  static constexpr EventTime Max() { return EventTime(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t micros() const { return micros_; }
  /// Rounded down, also before 1970.
  constexpr int64_t millis() const { return micros_ / 1000 - (micros_ % 1000 < 0 ? 1 : 0); }

  constexpr auto operator<=>(const EventTime&) const = default;

  friend constexpr EventTime operator+(EventTime time, std::chrono::microseconds offset) {
    if (time == Min() || time == Max()) return time;
    return EventTime(SaturatedSum(time.micros_, offset.count()));
  }
  friend constexpr EventTime operator-(EventTime time, std::chrono::microseconds offset) {
    if (time == Min() || time == Max()) return time;
    return EventTime(SaturatedDifference(time.micros_, offset.count()));
  }
  friend EventTime operator+(EventTime time, absl::Duration offset) {
    return time + std::chrono::microseconds(absl::ToInt64Microseconds(offset));
  }
  friend EventTime operator-(EventTime time, absl::Duration offset) {
    return time - std::chrono::microseconds(absl::ToInt64Microseconds(offset));
  }
  /// Stops at the ends of the range.
  friend constexpr std::chrono::microseconds operator-(EventTime later, EventTime earlier) {
    return std::chrono::microseconds(SaturatedDifference(later.micros_, earlier.micros_));
  }

 private:
  constexpr explicit EventTime(int64_t micros) : micros_(micros) {}

  static constexpr int64_t End(bool positive) {
    return positive ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
  }
  static constexpr int64_t SaturatedSum(int64_t a, int64_t b) {
    int64_t sum = 0;
    return __builtin_add_overflow(a, b, &sum) ? End(b > 0) : sum;
  }
  static constexpr int64_t SaturatedDifference(int64_t a, int64_t b) {
    int64_t difference = 0;
    return __builtin_sub_overflow(a, b, &difference) ? End(b < 0) : difference;
  }
  static constexpr int64_t SaturatedProduct(int64_t a, int64_t b) {
    int64_t product = 0;
    return __builtin_mul_overflow(a, b, &product) ? End((a > 0) == (b > 0)) : product;
  }

  int64_t micros_ = 0;
};

/// RFC 3339 in UTC with as many decimals as needed ("2024-05-01T12:00:00.25Z"), "min" or "max".
std::string FormatEventTime(EventTime time);
std::ostream& operator<<(std::ostream& out, EventTime time);

}  // namespace weir

template <>
struct std::hash<weir::EventTime> {
  size_t operator()(weir::EventTime time) const { return std::hash<int64_t>()(time.micros()); }
};
