#include "common/http/admin_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "absl/strings/str_cat.h"

#include "common/metrics/metric_catalogue.h"
#include "common/net/self_signed_certificate.h"
#include "common/net/tls_certificates.h"
#include "tests/support/temporary_directory.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class AdminEndpointsTest : public testing::Test {
 protected:
  std::map<std::string, HttpRoute> Routes() {
    AdminSources sources;
    sources.program = "weir-test";
    sources.config = &config_;
    sources.live = [] { return HealthReport(); };
    sources.started = [] { return HealthReport(); };
    sources.ready = [] { return HealthReport::Unavailable("not yet"); };
    sources.metrics = [this]() -> absl::StatusOr<MetricsPage> {
      if (!metrics_status_.ok()) return metrics_status_;
      MetricsPage page;
      page.Add(metrics::kLeader, 1);
      return page;
    };
    sources.certificates = certificates_;
    std::map<std::string, HttpRoute> routes;
    for (HttpRoute& route : AdminRoutes(std::move(sources))) {
      std::string path = route.path;
      routes.emplace(std::move(path), std::move(route));
    }
    return routes;
  }

  Config config_ = Config::FromValues({{"cluster.id", "c"}}).value();
  absl::Status metrics_status_;
  std::shared_ptr<TlsCertificates> certificates_;
};

TEST_F(AdminEndpointsTest, OnlyMetricsAndConfigurationAreGuarded) {
  std::map<std::string, bool> guarded;
  for (const auto& [path, route] : Routes()) guarded[path] = route.guarded;
  EXPECT_EQ(guarded, (std::map<std::string, bool>{{"/config", true},
                                                  {"/livez", false},
                                                  {"/metrics", true},
                                                  {"/readyz", false},
                                                  {"/startupz", false},
                                                  {"/version", false}}));
}

TEST_F(AdminEndpointsTest, HealthAnswersByTheReport) {
  EXPECT_EQ(Routes().at("/livez").answer().status, 200);
  EXPECT_EQ(Routes().at("/readyz").answer().status, 503);
}

TEST_F(AdminEndpointsTest, VersionNamesProgramAndProtocol) {
  const auto json = nlohmann::json::parse(Routes().at("/version").answer().body);
  EXPECT_EQ(json["program"], "weir-test");
  EXPECT_NE(json["version"], "");
  EXPECT_NE(json["commit"], "");
  EXPECT_GE(json["protocol"]["max"], json["protocol"]["min"]);
}

TEST_F(AdminEndpointsTest, ConfigurationSaysWhereValuesComeFrom) {
  const auto json = nlohmann::json::parse(Routes().at("/config").answer().body);
  EXPECT_EQ(json["cluster.id"]["value"], "c");
  EXPECT_EQ(json["cluster.id"]["source"], "given");
  EXPECT_EQ(json["log.level"]["source"], "default");
}

TEST_F(AdminEndpointsTest, MetricsHaveBuildProcessAndTheRest) {
  const HttpResponse answer = Routes().at("/metrics").answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.content_type, kPrometheusContentType);
  EXPECT_THAT(answer.body,
              AllOf(HasSubstr("weir_build_info{build_type="),
                    HasSubstr("process_resident_memory_bytes "), HasSubstr("weir_leader 1\n")));
}

TEST_F(AdminEndpointsTest, MetricsHaveTheTimeAtWhichTheCertificateExpires) {
  constexpr absl::string_view kName = "weir_tls_certificate_expiry_timestamp_seconds";
  EXPECT_THAT(Routes().at("/metrics").answer().body, Not(HasSubstr(std::string(kName))));
  const TemporaryDirectory directory;
  const absl::Time made = absl::FromUnixSeconds(1'700'000'000);
  const auto pair = MakeSelfSignedCertificate("weir", made);
  ASSERT_TRUE(pair.ok()) << pair.status();
  SecurityOptions security;
  security.certificate_file = directory.File("node.pem");
  security.key_file = directory.File("node.key");
  std::ofstream(security.certificate_file) << pair->certificate;
  std::ofstream(security.key_file) << pair->key;
  auto certificates = TlsCertificates::Create(security);
  ASSERT_TRUE(certificates.ok()) << certificates.status();
  certificates_ = *certificates;
  EXPECT_THAT(Routes().at("/metrics").answer().body,
              HasSubstr(absl::StrCat(kName, " ", 1'700'000'000 + 3650 * 86'400, "\n")));
}

TEST_F(AdminEndpointsTest, MetricsThatCannotBeHadAreAnError) {
  metrics_status_ = absl::UnavailableError("the process is busy");
  const HttpResponse answer = Routes().at("/metrics").answer();
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(answer.body, "the process is busy\n");
}

}  // namespace
}  // namespace weir
