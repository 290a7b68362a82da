// What a user sees whom the Kafka brokers refuse.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// A Weir cluster and a broker that asks for user and password.
class CredentialsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::string skip = ReasonToSkipKafka();
    if (!skip.empty()) GTEST_SKIP() << skip;
    KafkaClusterOptions kafka;
    // The listener keeps its name, which the fixture knows.
    kafka.broker_config = {
        {"listener.security.protocol.map", "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT"},
        {"sasl.enabled.mechanisms", "PLAIN"},
        {"sasl.mechanism.inter.broker.protocol", "PLAIN"},
        {"listener.name.plaintext.plain.sasl.jaas.config",
         "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" "
         "password=\"admin-secret\" user_admin=\"admin-secret\" user_weir=\"weir-secret\";"}};
    auto started = KafkaCluster::Start(kafka);
    WEIR_ASSERT_OK(started);
    kafka_ = *std::move(started);
    WeirClusterOptions options;
    options.task_managers = 1;
    auto weir = WeirCluster::Start(options);
    WEIR_ASSERT_OK(weir);
    weir_ = *std::move(weir);
  }
  void TearDown() override {
    if (weir_ == nullptr) return;
    EXPECT_EQ(weir_->Stop(), absl::OkStatus());
  }
  /// The end of `weir submit` of a job with these properties.
  ProcessResult Submit(const std::string& properties) {
    const WeirJob job{"faulty_job",
                      {absl::StrCat("--brokers=", kafka_->bootstrap_servers()), "--input=orders",
                       "--output=copies", absl::StrCat("--properties=", properties)},
                      {}};
    const auto result = weir_->Cli(WeirCluster::SubmitArguments(job), absl::Seconds(90));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
  static std::string Plain(const std::string& password) {
    return absl::StrCat(
        "security.protocol=SASL_PLAINTEXT|sasl.mechanism=PLAIN|sasl.jaas.config="
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"weir\" "
        "password=\"",
        password, "\";");
  }
  std::unique_ptr<KafkaCluster> kafka_;
  std::unique_ptr<WeirCluster> weir_;
};

TEST_F(CredentialsTest, AWrongPasswordIsOneSentenceAtSubmit) {
  const ProcessResult submit = Submit(Plain("guessed"));
  EXPECT_EQ(submit.exit_status, 1);
  EXPECT_THAT(submit.standard_error,
              AllOf(HasSubstr(absl::StrCat("Kafka at '", kafka_->bootstrap_servers(),
                                           "' refused the credentials: ")),
                    testing::Not(HasSubstr("guessed"))));
}

// That the credentials are right shows in the next thing that is wrong.
TEST_F(CredentialsTest, WithTheRightPasswordATopicIsMissed) {
  const ProcessResult submit = Submit(Plain("weir-secret"));
  EXPECT_EQ(submit.exit_status, 1);
  EXPECT_THAT(submit.standard_error, HasSubstr("Kafka topic 'copies' does not exist"));
}

TEST_F(CredentialsTest, TlsToABrokerWithoutIsOneSentenceAtSubmit) {
  const ProcessResult submit = Submit("security.protocol=SSL");
  EXPECT_EQ(submit.exit_status, 1);
  EXPECT_THAT(submit.standard_error,
              AllOf(HasSubstr(absl::StrCat("no Kafka broker answers at '",
                                           kafka_->bootstrap_servers(), "'")),
                    HasSubstr("SSL handshake failed")));
}

}  // namespace
}  // namespace weir
