// Health, version, configuration and metrics of real processes, over HTTP.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/time/system_clock.h"
#include "tests/e2e/cluster_test.h"
#include "tests/support/http/http_get.h"
#include "tests/support/net/testing_certificates.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kPage[] = "/metrics";

// `promtool check metrics` finds nothing to say about the page.
void ExpectPromtoolIsContent(const std::string& page) {
  const char* promtool = std::getenv("WEIR_TEST_PROMTOOL");
  if (promtool == nullptr || !std::filesystem::exists(promtool)) {
    const char* required = std::getenv("WEIR_REQUIRE_PROMTOOL");
    EXPECT_TRUE(required == nullptr || std::string(required) != "1") << "there is no promtool";
    return;
  }
  ChildProcessOptions options;
  options.argv = {promtool, "check", "metrics"};
  options.standard_input = page;
  const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 0);
  EXPECT_EQ(result->standard_output + result->standard_error, "") << page;
}

// An independent reader of Prometheus' text format finds nothing wrong with the page.
void ExpectParses(const std::string& page) {
  ExpectPromtoolIsContent(page);
  const char* source = std::getenv("WEIR_SOURCE_DIR");
  ChildProcessOptions options;
  // Debian's own: it is the one that has the package python3-prometheus-client.
  options.argv = {"/usr/bin/python3", absl::StrCat(source == nullptr ? "." : source,
                                                   "/tests/support/http/parse_metrics.py")};
  options.standard_input = page;
  const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 0) << result->standard_error << page;
}

/// A cluster without Kafka.
class AdminEndpointsTest : public testing::Test {
 protected:
  void Start(WeirClusterOptions options) {
    auto cluster = WeirCluster::Start(std::move(options));
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    weir_ = *std::move(cluster);
  }
  HttpAnswer Get(const std::string& server, const std::string& path,
                 const HttpGetOptions& options = {}) {
    const auto address = weir_->HttpAddress(server);
    EXPECT_TRUE(address.ok()) << address.status();
    const auto answer = HttpGet(address.value_or(""), path, options);
    EXPECT_TRUE(answer.ok()) << server << path << ": " << answer.status();
    return answer.value_or(HttpAnswer());
  }
  bool AwaitStatus(const std::string& server, const std::string& path, int status) {
    return AwaitTrue([&] { return Get(server, path).status == status; });
  }

  std::unique_ptr<WeirCluster> weir_;
};

TEST_F(AdminEndpointsTest, LeaderStandbyAndTaskManagerTellWhereTheyStand) {
  WeirClusterOptions options;
  options.job_managers = 2;
  options.task_managers = 1;
  Start(options);
  const auto leader = weir_->Leader();
  ASSERT_TRUE(leader.ok()) << leader.status();
  const std::string leading = WeirCluster::JobManagerName(*leader);
  const std::string standby = WeirCluster::JobManagerName(3 - *leader);
  const std::string worker_host = WeirCluster::TaskManagerName(1);
  for (const std::string& server : {leading, standby, worker_host}) {
    EXPECT_TRUE(AwaitStatus(server, "/readyz", 200)) << server;
    EXPECT_EQ(Get(server, "/livez").status, 200) << server;
    EXPECT_EQ(Get(server, "/startupz").status, 200) << server;
    EXPECT_THAT(Get(server, "/version").body, HasSubstr("\"protocol\""));
    EXPECT_THAT(Get(server, "/config").body,
                AllOf(HasSubstr(weir_->storage_root()), HasSubstr("flag --storage.root")));
    EXPECT_THAT(Get(server, kPage).content_type, HasSubstr("text/plain; version=0.0.4"));
    ExpectParses(Get(server, kPage).body);
  }
  EXPECT_THAT(Get(leading, "/readyz").body, HasSubstr("\"role\":\"leader\""));
  EXPECT_THAT(Get(standby, "/readyz").body, HasSubstr("\"role\":\"standby\""));
  const std::map<std::string, double> series = ParseSeries(Get(leading, kPage).body);
  EXPECT_EQ(series.at("weir_leader"), 1);
  EXPECT_EQ(series.at("weir_cluster_slots{state=\"free\"}"), 4);
  EXPECT_EQ(series.at("weir_cluster_taskmanagers{state=\"registered\"}"), 1);
  EXPECT_GT(series.at("weir_storage_request_duration_seconds_count{operation=\"create\",result="
                      "\"ok\"}"),
            0);
  EXPECT_EQ(ParseSeries(Get(standby, kPage).body).at("weir_leader"), 0);
}

TEST_F(AdminEndpointsTest, ATaskManagerWithoutALeaderIsAliveAndNotReady) {
  WeirClusterOptions options;
  options.task_managers = 1;
  Start(options);
  const std::string server = WeirCluster::TaskManagerName(1);
  ASSERT_TRUE(weir_->KillJobManager(1).ok());
  EXPECT_TRUE(AwaitStatus(server, "/readyz", 503));
  EXPECT_EQ(Get(server, "/livez").status, 200);
  EXPECT_EQ(Get(server, "/startupz").status, 200);
}

TEST_F(AdminEndpointsTest, TlsAndTokenGuardWhatIsNotForProbes) {
  const TemporaryDirectory secrets;
  const SecurityOptions made = MakeTestingCertificates(secrets.path(), "weir");
  std::ofstream(secrets.File("token")) << "the-token\n";
  WeirClusterOptions options;
  options.task_managers = 1;
  options.client_options = {{"security.tls.ca-file", made.ca_file},
                            {"security.token-file", secrets.File("token")}};
  options.server_options = options.client_options;
  options.server_options["security.tls.certificate-file"] = made.certificate_file;
  options.server_options["security.tls.key-file"] = made.key_file;
  Start(options);
  const absl::Time started = SystemClock().Now();
  HttpGetOptions probe;
  probe.ca_file = made.ca_file;
  HttpGetOptions scraper = probe;
  scraper.token = "the-token";
  for (const std::string& server :
       {WeirCluster::JobManagerName(1), WeirCluster::TaskManagerName(1)}) {
    EXPECT_EQ(Get(server, "/livez", probe).status, 200) << server;
    EXPECT_EQ(Get(server, kPage, probe).status, 401) << server;
    EXPECT_EQ(Get(server, "/config", probe).status, 401) << server;
    const HttpAnswer page = Get(server, kPage, scraper);
    EXPECT_EQ(page.status, 200) << server;
    ExpectParses(page.body);
    // Of two days.
    const absl::Time expires = absl::FromUnixSeconds(static_cast<int64_t>(
        ParseSeries(page.body)["weir_tls_certificate_expiry_timestamp_seconds"]));
    EXPECT_LE(expires - started, absl::Hours(48)) << server;
    EXPECT_GE(expires - started, absl::Hours(47)) << server;
    EXPECT_EQ(Get(server, "/config", scraper).body.find("the-token"), std::string::npos);
  }
}

/// A job of one task on a cluster and Kafka.
class JobMetricsTest : public ClusterTest {
 protected:
  // The page of the TaskManager, or of the leader.
  std::string Page(const std::string& server) {
    const auto address = weir().HttpAddress(server);
    if (!address.ok()) return "";
    const auto answer = HttpGet(*address, kPage);
    return answer.ok() ? answer->body : "";
  }
  // The sum over all series of the metric whose labels have `part`.
  double Sum(const std::string& server, const std::string& metric, const std::string& part) {
    double sum = 0;
    for (const auto& [series, value] : ParseSeries(Page(server))) {
      if (absl::StartsWith(series, metric + "{") && absl::StrContains(series, part)) sum += value;
    }
    return sum;
  }
};

TEST_F(JobMetricsTest, ARunningJobIsSeenOnItsTaskManagerAndAtTheLeader) {
  constexpr int kRecords = 200;
  for (const char* suffix : {"input", "output"}) {
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName(suffix), 1));
  }
  WeirClusterOptions options;
  options.task_managers = 1;
  StartCluster(options);
  std::vector<KafkaTestRecord> records(kRecords);
  for (KafkaTestRecord& record : records) record.value = "x";
  WEIR_ASSERT_OK(cluster().Produce(TopicName("input"), records));
  const absl::StatusOr<std::string> job = weir().Submit(KafkaToKafka());
  WEIR_ASSERT_OK(job);
  const std::string id = absl::StrCat("job_id=\"", *job, "\"");
  const std::string host = WeirCluster::TaskManagerName(1);
  const std::string leader = WeirCluster::JobManagerName(1);

  EXPECT_TRUE(AwaitTrue([&] { return Sum(host, "weir_task_records_out_total", id) == kRecords; }))
      << Page(host);
  EXPECT_EQ(Sum(host, "weir_task_records_in_total", id), kRecords);
  EXPECT_GT(Sum(host, "weir_task_bytes_in_total", id), 0);
  EXPECT_EQ(Sum(host, "weir_operator_records_in_total", id), 2 * kRecords);  // source and sink
  EXPECT_GT(Sum(host, "weir_task_idle_seconds_total", id), 0);
  EXPECT_GT(Sum(host, "weir_worker_resident_memory_bytes", id), 0);
  EXPECT_THAT(Page(host), HasSubstr("weir_source_pending_records{"));
  EXPECT_TRUE(AwaitTrue([&] {
    return Sum(host, "weir_sink_committed_transactions_total", id) >= 1;
  })) << Page(host);
  EXPECT_EQ(Sum(leader, "weir_job_state", "state=\"RUNNING\""), 1);
  EXPECT_TRUE(AwaitTrue([&] { return Sum(leader, "weir_checkpoints_total", "completed") >= 2; }));
  ExpectParses(Page(host));
  ExpectParses(Page(leader));

  WEIR_ASSERT_OK(weir().client().CancelJob(*job));
  EXPECT_TRUE(AwaitState(*job, "CANCELED"));
  EXPECT_TRUE(AwaitTrue([&] { return !absl::StrContains(Page(host), id); }))
      << "series of a worker that is gone: " << Page(host);
  EXPECT_FALSE(absl::StrContains(Page(leader), id));
}

}  // namespace
}  // namespace weir
