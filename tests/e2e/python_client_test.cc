// The Python example speaks to a real cluster by gRPC alone.
#include "tests/e2e/python_client.h"

#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"

#include "tests/e2e/cluster_test.h"
#include "tests/support/process/child_process.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

class PythonClientTest : public ClusterTest {
 protected:
  void SetUp() override {
    ClusterTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    if (const std::string why = MissingPythonClient(); !why.empty()) {
      ASSERT_FALSE(IsPythonClientRequired()) << why;
      GTEST_SKIP() << why;
    }
  }
  absl::StatusOr<ProcessResult> RunClient(std::vector<std::string> arguments) {
    ChildProcessOptions options;
    options.argv = PythonClientCommand();
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    return ChildProcess::RunToEnd(std::move(options), absl::Seconds(90));
  }
};

TEST_F(PythonClientTest, UploadsPlansSubmitsWatchesReadsAndStops) {
  StartCluster();
  ASSERT_FALSE(HasFatalFailure());
  ASSERT_TRUE(cluster().CreateTopic(TopicName("input"), 2).ok());
  ASSERT_TRUE(cluster().CreateTopic(TopicName("output"), 2).ok());
  std::vector<std::string> arguments = {absl::StrCat("--address=", weir().addresses()),
                                        "--idempotency-token=once", "--checkpoint-interval=200ms",
                                        WeirProgram("kafka_to_kafka"), "--"};
  const std::vector<std::string> job = JobArguments();
  arguments.insert(arguments.end(), job.begin(), job.end());
  const auto run = RunClient(arguments);
  WEIR_ASSERT_OK(run);
  ASSERT_EQ(run->exit_status, 0) << run->standard_error;
  const nlohmann::json answer = nlohmann::json::parse(run->standard_output, nullptr, false);
  ASSERT_TRUE(answer.is_object()) << run->standard_output;
  EXPECT_EQ(answer["state"], "FINISHED");
  EXPECT_GE(answer["checkpoints"].get<int>(), 3);
  EXPECT_THAT(answer["states"].get<std::vector<std::string>>(), Contains("RUNNING"));
  EXPECT_EQ(answer["restarts"], 0);
}

TEST_F(PythonClientTest, AnErrorIsOneSentence) {
  StartCluster();
  ASSERT_FALSE(HasFatalFailure());
  const auto run = RunClient({absl::StrCat("--address=", weir().addresses()), "/bin/true"});
  WEIR_ASSERT_OK(run);
  EXPECT_EQ(run->exit_status, 1);
  EXPECT_THAT(run->standard_error, HasSubstr("weir_client: INVALID_ARGUMENT: "));
}

}  // namespace
}  // namespace weir
