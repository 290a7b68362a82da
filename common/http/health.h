#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "common/http/http_server.h"

namespace weir {

/// What one of the health endpoints says of a process.
struct HealthReport {
  bool ok = true;
  std::string reason;  // one sentence, unless ok
  /// More to show, in this order: {"role", "leader"}.
  std::vector<std::pair<std::string, std::string>> details;

  static HealthReport Unavailable(std::string reason) { return {false, std::move(reason), {}}; }
};

/// By the name of an executor: how long a closure that was posted to it has been waiting; nothing
/// when the last one has run (ExecutorMonitor).
using ExecutorWaits = std::map<std::string, std::optional<absl::Duration>>;

/// An executor that runs nothing for so long will not come back by itself.
inline constexpr absl::Duration kStuckAfter = absl::Seconds(10);

/// A process is alive unless an executor is stuck. Pure.
HealthReport LivenessOf(const ExecutorWaits& waits);

/// 200 {"status":"ok",...} or 503 {"status":"unavailable","reason":"...",...}.
HttpResponse HealthResponse(const HealthReport& report);

}  // namespace weir
