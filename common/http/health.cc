#include "common/http/health.h"

#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

namespace weir {

HealthReport LivenessOf(const ExecutorWaits& waits) {
  for (const auto& [name, wait] : waits) {
    if (!wait.has_value() || *wait < kStuckAfter) continue;
    return HealthReport::Unavailable(
        absl::StrCat("thread ", name, " has run nothing for ", absl::FormatDuration(*wait)));
  }
  return {};
}

HttpResponse HealthResponse(const HealthReport& report) {
  nlohmann::ordered_json json;
  json["status"] = report.ok ? "ok" : "unavailable";
  if (!report.ok) json["reason"] = report.reason;
  for (const auto& [key, value] : report.details) json[key] = value;
  HttpResponse response;
  response.status = report.ok ? 200 : 503;
  response.body = json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  return response;
}

}  // namespace weir
