#include "tests/support/kafka/kafka_test.h"

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "tests/support/process/hang_report.h"

namespace weir {
namespace {

/// Holds the cluster of this program: GoogleTest owns environments and ends them after the last
/// test.
class KafkaEnvironment : public testing::Environment {
 public:
  void SetUp() override { ReportHangs(); }

  void TearDown() override {
    if (cluster_ != nullptr && testing::UnitTest::GetInstance()->failed_test_count() > 0) {
      cluster_->KeepFiles();
    }
    cluster_.reset();
  }

  absl::Status EnsureStarted(int brokers) {
    if (cluster_ != nullptr && cluster_->brokers() == brokers) return absl::OkStatus();
    cluster_.reset();
    KafkaClusterOptions options;
    options.brokers = brokers;
    absl::StatusOr<std::unique_ptr<KafkaCluster>> cluster = KafkaCluster::Start(options);
    if (!cluster.ok()) return cluster.status();
    cluster_ = *std::move(cluster);
    return absl::OkStatus();
  }

  KafkaCluster& cluster() { return *cluster_; }

 private:
  std::unique_ptr<KafkaCluster> cluster_;
};

KafkaEnvironment* const kEnvironment =
    static_cast<KafkaEnvironment*>(testing::AddGlobalTestEnvironment(new KafkaEnvironment));

}  // namespace

std::string ReasonToSkipKafka() {
  if (KafkaIsFetched()) return "";
  const std::string reason = "Kafka is not fetched: run ./dev setup";
  const char* required = std::getenv("WEIR_REQUIRE_KAFKA");
  if (required != nullptr && std::string(required) == "1") {
    ADD_FAILURE() << reason << " (WEIR_REQUIRE_KAFKA=1 makes this a failure)";
  }
  return reason;
}

void KafkaTest::SetUp() {
  const std::string reason = ReasonToSkipKafka();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const absl::Status started = kEnvironment->EnsureStarted(BrokerCount());
  ASSERT_TRUE(started.ok()) << started;
}

KafkaCluster& KafkaTest::cluster() { return kEnvironment->cluster(); }

std::string KafkaTest::TopicName(const std::string& suffix) {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return absl::StrReplaceAll(absl::StrCat(test->test_suite_name(), ".", test->name(), ".", suffix),
                             {{"/", "."}});
}

}  // namespace weir
