// Exactly once into Kafka, over kills, cancels and restarts; read by Java's consumer with
// isolation.level=read_committed. docs/protocols/transactions.md.

#include <gmock/gmock.h>
#include <signal.h>

#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ExactlyOnceTest : public RecordCopyTest {
 protected:
  static WeirJob ExactlyOnce(std::vector<std::string> arguments) {
    arguments.push_back("--delivery=exactly-once");
    arguments.push_back(absl::StrCat("--prefix=", TopicName("prefix")));
    return RecordCopy(arguments);
  }
  /// Ids of transactions of this test's prefix that are open, with their states.
  std::vector<std::string> OpenTransactions() {
    const auto text = cluster().RunTool("transactions", {"list"});
    EXPECT_TRUE(text.ok()) << text.status();
    std::vector<std::string> open;
    for (const absl::string_view line : absl::StrSplit(text.value_or(""), '\n')) {
      const std::vector<std::string> fields =
          absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
      if (fields.size() < 4 || !absl::StrContains(fields[0], TopicName("prefix"))) continue;
      if (fields[3] == "Ongoing" || absl::StartsWith(fields[3], "Prepare")) {
        open.push_back(absl::StrCat(fields[0], " ", fields[3]));
      }
    }
    return open;
  }
  void KillWorkersOf(const std::string& job) {
    const auto details = Describe(job);
    WEIR_ASSERT_OK(details);
    for (const proto::WorkerDetails& worker : details->workers()) {
      if (worker.pid() != 0) kill(static_cast<pid_t>(worker.pid()), SIGKILL);
    }
  }
  bool AwaitCheckpoints(const std::string& job, size_t count) {
    return AwaitTrue([&] { return CheckpointsOf(job, Summary(job).generation()) >= count; });
  }
};

TEST_F(ExactlyOnceTest, BoundedJobWritesEachRecordOnce) {
  StartCluster();
  Produce(0, 3000);
  const auto job = weir().Submit(ExactlyOnce({"--bounded=1", "--parallelism=2"}));
  WEIR_ASSERT_OK(job);
  EXPECT_TRUE(AwaitState(*job, "FINISHED"));
  EXPECT_EQ(Output(0), Ids(0, 3000));
  EXPECT_THAT(OpenTransactions(), IsEmpty());
}

TEST_F(ExactlyOnceTest, WorkersKilledThreeTimes) {
  StartCluster();
  Produce(0, 1000);
  const auto job = weir().Submit(ExactlyOnce({"--parallelism=2"}));
  WEIR_ASSERT_OK(job);
  for (int64_t kill = 1; kill <= 3; ++kill) {
    ASSERT_TRUE(AwaitCheckpoints(*job, 2));
    Produce(1000 * kill, 1000);
    KillWorkersOf(*job);
    ASSERT_TRUE(AwaitTrue([&] { return Summary(*job).restarts() >= static_cast<uint64_t>(kill); }));
  }
  ASSERT_TRUE(AwaitCheckpoints(*job, 2));
  EXPECT_EQ(Output(4000), Ids(0, 4000));
  WEIR_ASSERT_OK(weir().client().CancelJob(*job));
  ASSERT_TRUE(AwaitState(*job, "CANCELED"));
  EXPECT_EQ(Output(0), Ids(0, 4000));
  EXPECT_THAT(OpenTransactions(), IsEmpty());
}

TEST_F(ExactlyOnceTest, LeadingJobManagerKilled) {
  WeirClusterOptions options;
  options.job_managers = 2;
  StartCluster(options);
  Produce(0, 1000);
  const auto job = weir().Submit(ExactlyOnce({"--parallelism=2"}));
  WEIR_ASSERT_OK(job);
  ASSERT_TRUE(AwaitCheckpoints(*job, 2));
  Produce(1000, 1000);
  const auto leader = weir().Leader();
  WEIR_ASSERT_OK(leader);
  WEIR_ASSERT_OK(weir().KillJobManager(*leader));
  WEIR_ASSERT_OK(weir().AwaitComplete());
  ASSERT_TRUE(AwaitTrue([&] { return Summary(*job).state() == "RUNNING"; }));
  Produce(2000, 1000);
  ASSERT_TRUE(AwaitCheckpoints(*job, 2));
  EXPECT_EQ(Output(3000), Ids(0, 3000));
}

// What the job had read and no checkpoint owned is written by nobody; what one owned, once. The
// next job of the name takes the prefix over.
TEST_F(ExactlyOnceTest, CanceledJobLeavesNothingOpen) {
  StartCluster();
  Produce(0, 1000);
  WeirJob endless = ExactlyOnce({});
  endless.options["checkpoint.interval"] = "5min";
  const auto first = weir().Submit(endless);
  WEIR_ASSERT_OK(first);
  ASSERT_TRUE(AwaitTrue([&] { return !OpenTransactions().empty(); }));
  WEIR_ASSERT_OK(weir().client().CancelJob(*first));
  ASSERT_TRUE(AwaitState(*first, "CANCELED"));
  EXPECT_THAT(OpenTransactions(), IsEmpty());
  EXPECT_EQ(Output(0), Ids(0, 0));
  const auto second = weir().Submit(ExactlyOnce({"--bounded=1"}));
  WEIR_ASSERT_OK(second);
  EXPECT_TRUE(AwaitState(*second, "FINISHED"));
  EXPECT_EQ(Output(0), Ids(0, 1000));
}

TEST_F(ExactlyOnceTest, SecondJobWithThePrefixIsRefused) {
  StartCluster();
  Produce(0, 10);
  const auto first = weir().Submit(ExactlyOnce({}));
  WEIR_ASSERT_OK(first);
  const auto second = weir().Cli(WeirCluster::SubmitArguments(ExactlyOnce({})));
  WEIR_ASSERT_OK(second);
  EXPECT_EQ(second->exit_status, 1);
  EXPECT_THAT(second->standard_error,
              HasSubstr(absl::StrCat("the transactional id prefix '", TopicName("prefix"),
                                     "' belongs to job ", *first,
                                     " of cluster 'e2e', which is not known to have ended")));
  EXPECT_EQ(StateOf(*first), "RUNNING");
  // Whatever topic it writes to.
  WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("another"), 1));
  WeirJob other = ExactlyOnce({});
  for (std::string& argument : other.arguments) {
    if (absl::StartsWith(argument, "--output=")) {
      argument = absl::StrCat("--output=", TopicName("another"));
    }
  }
  const auto third = weir().Cli(WeirCluster::SubmitArguments(other));
  WEIR_ASSERT_OK(third);
  EXPECT_EQ(third->exit_status, 1);
  EXPECT_THAT(third->standard_error, HasSubstr(absl::StrCat("belongs to job ", *first)));
  Produce(10, 10);
  EXPECT_EQ(Output(20), Ids(0, 20));
  EXPECT_EQ(StateOf(*first), "RUNNING");
  EXPECT_EQ(Summary(*first).restarts(), 0u);
}

}  // namespace
}  // namespace weir
