// Nobody runs the job for longer than transaction.timeout.ms: brokers abort what an owned epoch
// had prepared and nobody had committed. docs/protocols/transactions.md, recovery, step 3.

#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/exactly_once_stream.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

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

  /// Records of a transaction that has its marker and is not decided, in one partition.
  struct PreparedRange {
    uint32_t subtask = 0;
    int32_t partition = 0;
    int64_t first = -1;
    int64_t last = -1;
    int64_t records = 0;
    std::string Text() const {
      return absl::StrCat("partition ", partition, " offsets ", first, " to ", last, " (", records,
                          records == 1 ? " record)" : " records)");
    }
  };
  std::vector<PreparedRange> Prepared() {
    std::vector<PreparedRange> ranges;
    const auto open = inspection().Open();
    EXPECT_TRUE(open.ok()) << open.status();
    for (const std::string& id : open.ok() ? *open : std::vector<std::string>()) {
      const auto transaction = inspection().Describe(id);
      const auto marker =
          inspection().client().FetchOffset(id, {TopicName("output"), 0}, {true}, kAskTimeout);
      EXPECT_TRUE(transaction.ok() && marker.ok()) << transaction.status() << marker.status();
      if (marker->kind != kafka::GroupOffset::Kind::kUnstable) continue;
      for (const kafka::TopicPartition& one : transaction->partitions) {
        if (one.topic == TopicName("output")) {
          ranges.push_back(RangeOf(transaction->producer, one));
          ranges.back().subtask = kafka::TransactionalId::Parse(id, Prefix())->subtask;
        }
      }
    }
    return ranges;
  }
  /// What the producer has written to the partition since it was last decided.
  PreparedRange RangeOf(kafka::ProducerIdAndEpoch producer, const kafka::TopicPartition& where) {
    PreparedRange range;
    range.partition = where.partition;
    const auto log = inspection().client().ReadBatchHeaders(
        where, {0, std::numeric_limits<int64_t>::max()}, kPatience);
    EXPECT_TRUE(log.ok()) << log.status();
    for (const kafka::RecordBatchHeader& batch : log->headers) {
      if (kafka::ProducerIdAndEpoch{batch.producer_id, batch.producer_epoch} != producer) continue;
      if (batch.control) {
        range.first = range.last = -1;
        range.records = 0;
        continue;
      }
      if (range.first < 0) range.first = batch.base_offset;
      range.last = batch.last_offset;
      range.records += batch.record_count;
    }
    return range;
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
  const std::vector<PreparedRange> prepared = Prepared();
  ASSERT_FALSE(prepared.empty());
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
  for (const PreparedRange& range : prepared) EXPECT_THAT(reason, HasSubstr(range.Text()));
  EXPECT_THAT(reason,
              AllOf(HasSubstr("is owned, but its transaction '"),
                    HasSubstr("was aborted before it was committed, and cannot be published again, "
                              "since "),
                    HasSubstr("or without what cannot be published exactly once "
                              "(--policy=ignore)")));
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

// The first record of what was aborted is gone; a person wants what is left.
TEST_F(DowntimeTest, WhatIsLeftIsPublishedWhenAPersonSaysSo) {
  Start();
  ASSERT_FALSE(HasFatalFailure());
  KillBetweenOwnershipAndCommit();
  const std::vector<PreparedRange> prepared = Prepared();
  ASSERT_FALSE(prepared.empty());
  AwaitAborts();
  ASSERT_FALSE(HasFailure());
  // No other has records before it in its partition.
  const PreparedRange& shortened = *std::min_element(
      prepared.begin(), prepared.end(), [](const PreparedRange& one, const PreparedRange& other) {
        return std::tie(one.partition, one.first) < std::tie(other.partition, other.first);
      });
  // What the other subtask had prepared is published before the job is suspended.
  int64_t records = 0;
  for (const PreparedRange& range : prepared) {
    if (range.subtask == shortened.subtask) records += range.records;
  }
  WEIR_ASSERT_OK(
      cluster().DeleteRecordsBefore(TopicName("output"), shortened.partition, shortened.first + 1));
  StartAgain();
  ASSERT_TRUE(AwaitState(job(), "SUSPENDED")) << Details().ShortDebugString();
  EXPECT_THAT(Details().summary().reason(), HasSubstr(shortened.Text()));
  const auto resumed = weir().Cli({"resume", job(), "--policy=replay"});
  WEIR_ASSERT_OK(resumed);
  EXPECT_EQ(resumed->exit_status, 0) << resumed->standard_error;
  ASSERT_TRUE(AwaitState(job(), "RUNNING")) << Details().ShortDebugString();
  double replayed = 0;
  double transactions = 0;
  EXPECT_TRUE(AwaitTrue([&] {
    const proto::JobDetails details = Details();
    for (const proto::SinkMetrics& sink : details.sinks()) {
      const auto& values = sink.values();
      if (values.count("replayedRecords") > 0) replayed = values.at("replayedRecords");
      if (values.count("replays") > 0) transactions = values.at("replays");
    }
    return replayed > 0;
  }));
  EXPECT_EQ(replayed, static_cast<double>(records - 1));
  EXPECT_GE(transactions, 1);
  AwaitFlow();
}

}  // namespace
}  // namespace weir
