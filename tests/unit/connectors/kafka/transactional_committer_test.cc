// The committer's half of docs/protocols/transactions.md against a scripted coordinator.
#include "connectors/kafka/transactional/transactional_committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/writer_instructions.h"
#include "tests/unit/connectors/kafka/testing_transactional_kafka.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kTopic[] = "out";
constexpr char kPrefix[] = "p";

/// Answers as the test has said; keeps what it was asked.
class ScriptedCoordinator final : public TransactionClient {
 public:
  explicit ScriptedCoordinator(TestingTransactionalKafka& kafka) : kafka_(kafka) {}

  EndTransactionAnswer EndTransaction(const std::string& id, ProducerIdAndEpoch producer,
                                      TransactionResult result, absl::Duration) override {
    ended.push_back(absl::StrCat(id, result == TransactionResult::kCommit ? " commit " : " abort ",
                                 producer.producer_id, ":", producer.epoch));
    EndTransactionAnswer answer;
    answer.outcome = outcomes.count(id) > 0 ? outcomes[id] : EndTransactionOutcome::kDone;
    if (answer.outcome != EndTransactionOutcome::kDone) answer.detail = absl::InternalError("said");
    if (answer.outcome == EndTransactionOutcome::kDone && after_commit.count(id) > 0) {
      offsets[id] = {after_commit[id]};
    }
    return answer;
  }
  absl::StatusOr<ProducerIdAndEpoch> InitProducerId(const std::string& id, absl::Duration timeout,
                                                    absl::Duration) override {
    if (timeout > max_timeout) return absl::InvalidArgumentError("too long");
    if (id != ReplayId(kPrefix)) taken.push_back(id);
    return ProducerIdAndEpoch{1, 1};
  }
  absl::StatusOr<std::vector<ListedTransaction>> ListTransactions(
      const std::vector<TransactionState>&, absl::Duration) override {
    return listed;
  }
  absl::StatusOr<std::map<std::string, DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>&, absl::Duration) override {
    return std::map<std::string, DescribedTransaction>();
  }
  absl::StatusOr<GroupOffset> FetchOffset(const std::string& group, const TopicPartition& partition,
                                          FetchOffsetOptions options, absl::Duration) override {
    EXPECT_TRUE(options.require_stable);
    EXPECT_EQ(partition, (TopicPartition{kTopic, 0}));
    // The owner record is only worth anything when its id has been taken over before.
    if (group == OwnerId(kPrefix)) {
      EXPECT_THAT(kafka_.Calls("init"), ElementsAre(group));
    }
    std::deque<GroupOffset>& answers = offsets[group];
    if (answers.empty()) return GroupOffset();
    const GroupOffset answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    return answer;
  }
  absl::StatusOr<PartitionOffsets> FetchPartitionOffsets(const TopicPartition&,
                                                         absl::Duration) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<RecordBatchRange> ReadBatchHeaders(const TopicPartition&, OffsetRange,
                                                    absl::Duration) override {
    return absl::UnimplementedError("");
  }
  void Cancel() override {}

  std::map<std::string, EndTransactionOutcome> outcomes;
  std::map<std::string, std::deque<GroupOffset>> offsets;  // the last answer is repeated
  std::map<std::string, GroupOffset> after_commit;
  std::vector<ListedTransaction> listed;
  absl::Duration max_timeout = absl::Hours(1);
  std::vector<std::string> ended;
  std::vector<std::string> taken;

 private:
  TestingTransactionalKafka& kafka_;
};

GroupOffset Value(const std::string& metadata) { return {GroupOffset::Kind::kValue, 1, metadata}; }

class TransactionalCommitterTest : public ::testing::Test {
 protected:
  TransactionalCommitterTest() {
    recovery_.identity = {"east", JobId("job-1"), "flights", OperatorUid("sink")};
    recovery_.generation = Generation(3);
    recovery_.live_jobs = {"job-1", "job-2"};
  }
  absl::StatusOr<WriterInstructions> Recover() {
    TransactionalCommitterSetup setup;
    setup.topic = kTopic;
    setup.prefix = kPrefix;
    setup.transaction_timeout = absl::Hours(1);
    setup.clients = std::make_shared<TestingTransactionalFactory>(kafka_);
    setup.transaction_clients = [this]() -> absl::StatusOr<std::shared_ptr<TransactionClient>> {
      return std::shared_ptr<TransactionClient>(coordinator_);
    };
    setup.steps = std::make_shared<TestingStepObserver>(kafka_);
    committer_ = std::make_unique<TransactionalCommitter>(std::move(setup), clock_);
    const absl::StatusOr<std::string> recovered = committer_->Recover(recovery_);
    if (!recovered.ok()) return recovered.status();
    return WriterInstructions::Decode(*recovered);
  }
  static Committable Prepared(uint32_t subtask, uint64_t epoch, const std::string& run = "job-1") {
    Committable one;
    one.transactional_id = TransactionalId{kPrefix, 5, subtask, 0}.ToString();
    one.topic = kTopic;
    one.marker = {run, 2, Epoch(epoch), {100 + subtask, 0}};
    one.started = absl::FromUnixSeconds(1'000'000'000);
    one.timeout = absl::Minutes(15);
    one.ranges[2] = {40, 49, 10, 7};
    return one;
  }
  void AddUncommitted(uint64_t epoch, const std::vector<Committable>& committables) {
    UncommittedEpoch uncommitted{PermitAuthority::Grant(Epoch(epoch), LeaderTerm(1)), {}};
    for (const Committable& one : committables) uncommitted.committables.push_back(one.Encode());
    recovery_.uncommitted.push_back(uncommitted);
  }
  void Own(const OwnerRecord& record) {
    coordinator_->offsets[OwnerId(kPrefix)] = {Value(record.Encode())};
  }

  SystemClock clock_;
  TestingTransactionalKafka kafka_;
  std::shared_ptr<ScriptedCoordinator> coordinator_ = std::make_shared<ScriptedCoordinator>(kafka_);
  std::unique_ptr<TransactionalCommitter> committer_;
  SinkRecovery recovery_;
};

TEST_F(TransactionalCommitterTest, AFreshPrefixStartsWithFenceOne) {
  const auto instructions = Recover();
  ASSERT_TRUE(instructions.ok()) << instructions.status();
  EXPECT_EQ(instructions->fence, 1u);
  EXPECT_EQ(instructions->prefix, kPrefix);
  EXPECT_EQ(instructions->transaction_timeout, absl::Hours(1));
  // What it wrote is read by the next one.
  const std::vector<std::string> markers = kafka_.Calls("marker");
  ASSERT_EQ(markers.size(), 1u);
  EXPECT_THAT(markers[0], HasSubstr("[1 1 held job-1 east]"));
}

TEST_F(TransactionalCommitterTest, TheFenceIsAboveRecordCheckpointAndListedIds) {
  Own({"east", "job-1", 4, false});
  recovery_.last = WriterInstructions{6, kPrefix, absl::Hours(1)}.Encode();
  coordinator_->listed = {{"p~9~0~0", 1, TransactionState::kCompleteCommit},
                          {"other~50~0~0", 1, TransactionState::kOngoing},
                          {"p~x~70~0~0", 1, TransactionState::kOngoing}};
  EXPECT_EQ(Recover()->fence, 10u);
}

TEST_F(TransactionalCommitterTest, AnotherLiveJobsPrefixIsRefused) {
  Own({"east", "job-2", 4, false});
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("prefix 'p' belongs to job job-2 of cluster 'east'"));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
  EXPECT_THAT(coordinator_->taken, IsEmpty());
}

TEST_F(TransactionalCommitterTest, AnotherClustersPrefixIsRefusedUnlessReleased) {
  Own({"west", "job-9", 4, false});
  EXPECT_TRUE(absl::IsFailedPrecondition(Recover().status()));
  kafka_.log.clear();
  Own({"west", "job-9", 4, true});
  EXPECT_EQ(Recover()->fence, 5u);
}

TEST_F(TransactionalCommitterTest, AnEndedJobsPrefixIsTakenOver) {
  Own({"east", "job-0", 4, false});
  EXPECT_EQ(Recover()->fence, 5u);
}

TEST_F(TransactionalCommitterTest, CommitsOldestFirstAndBelievesTheMarker) {
  const Committable first = Prepared(0, 7);
  const Committable second = Prepared(1, 8);
  AddUncommitted(8, {second, first});
  coordinator_->after_commit[first.transactional_id] = Value(first.marker.Encode());
  // The answer comes before the marker is written.
  coordinator_->offsets[second.transactional_id] = {{GroupOffset::Kind::kUnstable, -1, ""},
                                                    Value(second.marker.Encode())};
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(coordinator_->ended, ElementsAre("p~5~0~0 commit 100:0", "p~5~1~0 commit 101:0"));
}

TEST_F(TransactionalCommitterTest, ARefusedCommitWhoseMarkerStandsWasCommittedBefore) {
  for (const EndTransactionOutcome outcome :
       {EndTransactionOutcome::kInvalidTxnState, EndTransactionOutcome::kFenced,
        EndTransactionOutcome::kUnknownProducerMapping}) {
    kafka_.log.clear();
    recovery_.uncommitted.clear();
    const Committable one = Prepared(0, 7);
    AddUncommitted(7, {one});
    coordinator_->outcomes[one.transactional_id] = outcome;
    coordinator_->offsets[one.transactional_id] = {Value(one.marker.Encode())};
    EXPECT_TRUE(Recover().ok());
  }
}

TEST_F(TransactionalCommitterTest, AnAbortedOneIsALossThatIsNamed) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kFenced;
  TransactionMarker opening = one.marker;
  opening.epoch = Epoch(0);
  coordinator_->offsets[one.transactional_id] = {Value(opening.Encode())};
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("epoch 7"), HasSubstr("'p~5~0~0' was aborted"),
                    HasSubstr("topic 'out', partition 2 offsets 40 to 49 (10 records)")));
  // Nothing is ended while nobody knows what becomes of it.
  EXPECT_THAT(coordinator_->taken, IsEmpty());
}

// Equal, not "at least": the marker of a later epoch says nothing about this one.
TEST_F(TransactionalCommitterTest, ALaterEpochsMarkerIsNoProof) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kFenced;
  TransactionMarker later = one.marker;
  later.epoch = Epoch(9);
  coordinator_->offsets[one.transactional_id] = {Value(later.Encode())};
  EXPECT_TRUE(absl::IsDataLoss(Recover().status()));
}

TEST_F(TransactionalCommitterTest, WithoutAMarkerOfThisRunNothingIsCertain) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kUnknownProducerMapping;
  const absl::Status absent = Recover().status();
  EXPECT_TRUE(absl::IsDataLoss(absent));
  EXPECT_THAT(std::string(absent.message()), HasSubstr("is gone without a trace of a commit"));
  kafka_.log.clear();
  coordinator_->offsets[one.transactional_id] = {Value(Prepared(0, 7, "job-0").marker.Encode())};
  EXPECT_THAT(std::string(Recover().status().message()), HasSubstr("is gone without a trace"));
}

TEST_F(TransactionalCommitterTest, ACommitWithoutAnAnswerIsTriedAgainByARestart) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kNotAnswered;
  EXPECT_EQ(Recover().status(), absl::InternalError("said"));
}

TEST_F(TransactionalCommitterTest, StraysAreFencedAndNeverAborted) {
  Own({"east", "job-1", 5, false});
  coordinator_->listed = {
      {"p~3~0~0", 1, TransactionState::kOngoing},  {"p~4~0~0", 1, TransactionState::kCompleteAbort},
      {"p~5~0~1", 1, TransactionState::kEmpty},    {"p~5~1~0", 1, TransactionState::kPrepareAbort},
      {"pq~5~1~0", 1, TransactionState::kOngoing}, {"p~owner", 1, TransactionState::kOngoing}};
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~3~0~0", "p~5~0~1", "p~5~1~0"));
  EXPECT_THAT(coordinator_->ended, IsEmpty());
}

TEST_F(TransactionalCommitterTest, TheTimeoutIsLoweredToWhatBrokersAllow) {
  coordinator_->max_timeout = absl::Minutes(15);
  EXPECT_EQ(Recover()->transaction_timeout, absl::Minutes(15));
}

TEST_F(TransactionalCommitterTest, ReleaseMarksTheRecord) {
  ASSERT_TRUE(Recover().ok());
  ASSERT_EQ(committer_->Release(), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("marker").back(), HasSubstr("[1 1 released job-1 east]"));
}

}  // namespace
}  // namespace weir::kafka
