#include "common/time/event_time.h"

namespace weir {

std::string FormatEventTime(EventTime time) {
  if (time == EventTime::Min()) return "min";
  if (time == EventTime::Max()) return "max";
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", absl::FromUnixMicros(time.micros()),
                          absl::UTCTimeZone());
}

std::ostream& operator<<(std::ostream& out, EventTime time) { return out << FormatEventTime(time); }

}  // namespace weir
