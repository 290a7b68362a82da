// Nobody runs the job for longer than transaction.timeout.ms: brokers abort what an owned epoch
// had prepared and nobody had committed. docs/protocols/transactions.md, recovery, step 3.

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;

class DowntimeTest : public ExactlyOnceStreamTest {
 protected:
  static constexpr int kTaskManagers = 2;

  void Start() {
    WeirClusterOptions options;
    options.task_managers = kTaskManagers;
    StartCluster(options);
    WeirJob job = Job();
    job.arguments.push_back("--property=transaction.timeout.ms=5000");
    StartStream(job);
  }

  /// The newest epoch of the log, when it is owned and has no receipt: no other is being prepared.
  bool NewestIsUncommitted() {
    const auto all = weir().client().ListCheckpoints(job());
    if (!all.ok() || all->checkpoints().empty()) return false;
    const auto newest = std::max_element(
        all->checkpoints().begin(), all->checkpoints().end(),
        [](const auto& one, const auto& other) { return one.epoch() < other.epoch(); });
    return newest->state() == "COMPLETED" && !newest->committed();
  }

  /// Is there a transaction with records and its marker that nobody has decided to commit?
  bool SomethingIsPrepared() {
    const auto open = inspection().Open();
    if (!open.ok()) return false;
    return std::any_of(open->begin(), open->end(), [this](const std::string& id) {
      const auto transaction = inspection().Describe(id);
      if (!transaction.ok() || transaction->state != kafka::TransactionState::kOngoing) {
        return false;
      }
      const bool has_records = std::any_of(
          transaction->partitions.begin(), transaction->partitions.end(),
          [](const kafka::TopicPartition& one) { return one.topic == TopicName("output"); });
      if (!has_records) return false;  // an opening marker
      const auto marker =
          inspection().client().FetchOffset(id, {TopicName("output"), 0}, {true}, kAskTimeout);
      return marker.ok() && marker->kind == kafka::GroupOffset::Kind::kUnstable;
    });
  }

  /// It stays so with workers that stand still: no EndTxn of theirs was on its way.
  bool StaysPrepared() {
    return !AwaitTrue([this] { return !SomethingIsPrepared() || !NewestIsUncommitted(); },
                      kOnItsWay);
  }

  /// kill -9 of everything while the log owns an epoch of which a transaction is still to be
  /// committed. Workers are held still meanwhile, to look at them.
  void KillBetweenOwnershipAndCommit() {
    std::vector<pid_t> workers;  // those of the generation that runs
    const auto signal_all = [&](int signal) {
      for (const pid_t worker : workers) kill(worker, signal);
    };
    const auto catch_one = [&] {
      if (!NewestIsUncommitted()) return false;
      signal_all(SIGSTOP);
      if (StaysPrepared()) return true;
      signal_all(SIGCONT);
      workers = Workers();
      return false;
    };
    workers = Workers();
    const bool caught = AwaitTrue(catch_one, kPatience);
    signal_all(SIGKILL);
    for (int number = 1; number <= kTaskManagers; ++number) {
      WEIR_ASSERT_OK(weir().KillTaskManager(number));
    }
    WEIR_ASSERT_OK(weir().KillJobManager(1));
    ASSERT_TRUE(caught) << "no epoch was seen between its entry and its receipt";
  }

  void AwaitAborts() {
    EXPECT_TRUE(AwaitTrue(
        [this] {
          const auto open = inspection().Open();
          return open.ok() && open->empty();
        },
        kPatience))
        << "the broker aborts nothing";
  }

  void StartAgain() {
    WEIR_ASSERT_OK(weir().StartJobManager(1));
    for (int number = 1; number <= kTaskManagers; ++number) {
      WEIR_ASSERT_OK(weir().StartTaskManager(number));
    }
    WEIR_ASSERT_OK(weir().AwaitComplete());
  }

  static constexpr absl::Duration kAskTimeout = absl::Seconds(5);
  /// Some seconds do, but on a machine with busy processors.
  static constexpr absl::Duration kPatience = absl::Seconds(75);
  static constexpr absl::Duration kOnItsWay = absl::Milliseconds(300);
};

TEST_F(DowntimeTest, WhatTheBrokersAbortedIsPublishedAgain) {
  Start();
  ASSERT_FALSE(HasFatalFailure());
  const uint64_t generation = Generation();
  KillBetweenOwnershipAndCommit();
  AwaitAborts();
  ASSERT_FALSE(HasFailure());
  StartAgain();
  AwaitRestore(generation);
  const auto replay = inspection().Describe(kafka::ReplayId(Prefix()));
  WEIR_ASSERT_OK(replay);
  EXPECT_EQ(replay->state, kafka::TransactionState::kCompleteCommit) << "nothing was replayed";
  ExpectExactlyOnce();
}

// Retention has removed what would have to be published again.
TEST_F(DowntimeTest, AJobWhoseAbortedRecordsAreGoneIsSuspendedAndNamesThem) {
  Start();
  ASSERT_FALSE(HasFatalFailure());
  KillBetweenOwnershipAndCommit();
  AwaitAborts();
  ASSERT_FALSE(HasFailure());
  const auto ends = inspection().Offsets(TopicName("output"), kPartitions);
  WEIR_ASSERT_OK(ends);
  for (const auto& [partition, offsets] : *ends) {
    WEIR_ASSERT_OK(
        cluster().DeleteRecordsBefore(TopicName("output"), partition, offsets.last_stable_offset));
  }
  StartAgain();
  ASSERT_TRUE(AwaitState(job(), "SUSPENDED")) << Details().ShortDebugString();
  const std::string reason = Details().summary().reason();
  EXPECT_THAT(reason, HasSubstr(absl::StrCat("topic '", TopicName("output"), "'")));
  EXPECT_THAT(reason,
              MatchesRegex(".*, partition [01] offsets [0-9]+ to [0-9]+ \\([0-9]+ records?\\).*"));
  // Readers do not wait behind anything of it.
  const auto open = inspection().Open();
  WEIR_ASSERT_OK(open);
  EXPECT_THAT(*open, IsEmpty());
  const auto resumed = weir().Cli({"resume", job(), "--policy=ignore"});
  WEIR_ASSERT_OK(resumed);
  EXPECT_EQ(resumed->exit_status, 0) << resumed->standard_error;
  ASSERT_TRUE(AwaitState(job(), "RUNNING")) << Details().ShortDebugString();
  AwaitFlow();
}

}  // namespace
}  // namespace weir
