#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "weir/weir.h"

/// A flight as it is in the input topic: {"id":1,"date":"2001-01-01 00:01","delay":14,
/// "distance":599,"origin":"SAN","destination":"SFO"}.
struct Flight {
  int64_t id = 0;
  std::string date;      // scheduled departure, local time
  int64_t delay = 0;     // minutes; negative: early
  int64_t distance = 0;  // miles
  std::string origin;
  std::string destination;
  WEIR_RECORD(Flight, id, date, delay, distance, origin, destination)
};

/// A flight that departed 15 minutes late or more.
struct DelayedFlight {
  int64_t id = 0;
  std::string date;
  int64_t delay = 0;
  int64_t distance = 0;
  std::string origin;
  std::string destination;
  std::string delay_class;
  WEIR_RECORD(DelayedFlight, id, date, delay, distance, origin, destination, delay_class)
};

inline constexpr int64_t kDelayedFromMinutes = 15;

inline std::string_view DelayClass(int64_t delay_minutes) {
  if (delay_minutes < 30) return "minor";
  if (delay_minutes < 60) return "moderate";
  if (delay_minutes < 180) return "major";
  return "severe";
}
