#include "common/http/admin_endpoints.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/protocol_version.h"
#include "common/http/build_info.h"
#include "common/metrics/metric_catalogue.h"
#include "common/metrics/process_usage.h"
#include "common/net/tls_certificates.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using Json = nlohmann::ordered_json;

// For people with curl: one level is enough to read.
HttpResponse JsonResponse(const Json& json) {
  HttpResponse response;
  response.body = json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  return response;
}

HttpResponse Version(const std::string& program) {
  const BuildInfo build = GetBuildInfo();
  Json json;
  json["program"] = program;
  json["version"] = build.version;
  json["commit"] = build.commit;
  json["build_type"] = build.build_type;
  json["protocol"] = {{"min", kProtocolVersionMin}, {"max", kProtocolVersion}};
  return JsonResponse(json);
}

HttpResponse Configuration(const Config& config) {
  Json json = Json::object();
  for (const EffectiveOption& option : config.EffectiveOptions()) {
    json[option.key] = {{"value", option.value}, {"source", option.source}};
  }
  return JsonResponse(json);
}

void AddCertificateExpiry(const TlsCertificates& certificates, MetricsPage* page) {
  const std::shared_ptr<const TlsMaterial> material = certificates.current();
  if (material->certificate.empty()) return;
  page->Add(metrics::kTlsCertificateExpiry,
            absl::ToDoubleSeconds(material->not_after - absl::UnixEpoch()));
}

HttpResponse Metrics(absl::StatusOr<MetricsPage> page, const TlsCertificates* certificates) {
  if (!page.ok()) {
    return {503, "text/plain; charset=utf-8", absl::StrCat(page.status().message(), "\n")};
  }
  const BuildInfo build = GetBuildInfo();
  page->Add(
      metrics::kBuildInfo, 1,
      {{"version", build.version}, {"commit", build.commit}, {"build_type", build.build_type}});
  AddProcessUsage(ReadProcessUsage(), &*page);
  if (certificates != nullptr) AddCertificateExpiry(*certificates, &*page);
  return {200, std::string(kPrometheusContentType), page->PrometheusText()};
}

HttpRoute Open(std::string path, std::function<HttpResponse()> answer) {
  return {std::move(path), /*guarded=*/false, std::move(answer)};
}

HttpRoute Guarded(std::string path, std::function<HttpResponse()> answer) {
  return {std::move(path), /*guarded=*/true, std::move(answer)};
}

}  // namespace

std::vector<HttpRoute> AdminRoutes(AdminSources sources) {
  const auto health = [](std::function<HealthReport()> ask) {
    return [ask = std::move(ask)] { return HealthResponse(ask()); };
  };
  return {Open("/livez", health(std::move(sources.live))),
          Open("/startupz", health(std::move(sources.started))),
          Open("/readyz", health(std::move(sources.ready))),
          Open("/version", [program = sources.program] { return Version(program); }),
          Guarded("/metrics",
                  [ask = std::move(sources.metrics), certificates = sources.certificates] {
                    return Metrics(ask(), certificates.get());
                  }),
          Guarded("/config", [config = sources.config] { return Configuration(*config); })};
}

}  // namespace weir
