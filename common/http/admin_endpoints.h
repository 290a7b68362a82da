#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/config/config.h"
#include "common/http/health.h"
#include "common/http/http_server.h"
#include "common/metrics/metrics_page.h"

namespace weir {

class TlsCertificates;

/// What a server process tells about itself. Each function is called by threads of the HTTP server,
/// several at once, and may wait for some seconds.
struct AdminSources {
  std::string program;  // "weir-jobmanager"
  const Config* config = nullptr;
  std::function<HealthReport()> live;
  std::function<HealthReport()> started;
  std::function<HealthReport()> ready;
  /// What the process has besides its build and its use of the machine; UNAVAILABLE when it cannot
  /// be asked now.
  std::function<absl::StatusOr<MetricsPage>()> metrics;
  std::shared_ptr<const TlsCertificates> certificates;  // null without TLS
};

/// /livez /startupz /readyz /version, and guarded /metrics /config. `config` outlives the server.
std::vector<HttpRoute> AdminRoutes(AdminSources sources);

}  // namespace weir
