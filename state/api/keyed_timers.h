#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

#include "common/time/event_time.h"

namespace weir {

enum class TimeDomain : uint8_t {
  kEventTime = 0,
  kProcessingTime = 1,
};

/// A timer that is due. `name_space` tells timers of one key apart (the bytes of a window, say).
struct DueTimer {
  int64_t time_micros = 0;
  uint32_t group = 0;
  std::string key;
  std::string name_space;
};

/// The timers of an operator's keys, and how far each key group's watermark has come. Both are part
/// of the backend's snapshots.
///
/// Times are microseconds since 1970: EventTime::micros(), or the wall clock's.
/// Threads: the task's thread.
/// Errors: as StateTable. Register and Delete need a current key.
class KeyedTimers {
 public:
  virtual ~KeyedTimers() = default;

  /// At most one timer for each key, namespace and time; more of them are the same one.
  virtual void Register(TimeDomain domain, int64_t time_micros,
                        absl::string_view name_space = {}) = 0;
  /// Nothing happens when there is no such timer.
  virtual void Delete(TimeDomain domain, int64_t time_micros,
                      absl::string_view name_space = {}) = 0;

  /// The time of the earliest timer of any key.
  virtual std::optional<int64_t> NextDue(TimeDomain domain) const = 0;
  /// The earliest timer of this group's keys, due or not.
  virtual std::optional<DueTimer> FirstOf(TimeDomain domain, uint32_t group) const = 0;
  /// Removes and returns the earliest timer, if its time has come: time_micros <= until_micros.
  /// Order: time, then key, then namespace. The current key does not change.
  virtual std::optional<DueTimer> PopDue(TimeDomain domain, int64_t until_micros) = 0;
  /// The same for an event-time timer that its own group's watermark has come to: groups of one
  /// subtask may differ. Nothing when no group has one.
  virtual std::optional<DueTimer> PopDueByWatermark() = 0;

  /// The highest watermark whose firing has begun in this group: lateness is judged by it, also
  /// after a restore. Never goes back. EventTime::Min(): none.
  virtual EventTime GroupWatermark(uint32_t group) const = 0;
  /// For all groups of the backend.
  virtual void AdvanceWatermark(EventTime watermark) = 0;
};

}  // namespace weir
