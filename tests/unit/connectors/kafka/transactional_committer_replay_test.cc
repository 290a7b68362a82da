// Recovery when a transaction of an owned epoch has been aborted or cannot be found: step 5 of
// docs/protocols/transactions.md, against a scripted coordinator.
#include "connectors/kafka/transactional/record_checksum.h"
#include "tests/unit/connectors/kafka/transactional_committer_test.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class TransactionalCommitterReplayTest : public TransactionalCommitterTest {
 protected:
  // Appends to the log, as the transaction's writer did.
  void Append(Committable& transaction, const std::string& value) {
    const auto offset = static_cast<int64_t>(kafka_.records.size());
    kafka_.records.push_back({value, transaction.transactional_id});
    coordinator_->writers[transaction.transactional_id] = transaction.marker.producer;
    WrittenRange& range = transaction.ranges[0];
    if (range.count++ == 0) range.first_offset = offset;
    range.last_offset = offset;
    range.checksum += RecordChecksum({nullptr, 0, true}, {value.data(), value.size(), false});
  }
  static Committable Empty(uint32_t subtask, uint64_t epoch, uint32_t slot = 0) {
    Committable one = Prepared(subtask, epoch);
    one.transactional_id = TransactionalId{kPrefix, 5, subtask, slot}.ToString();
    one.marker.producer.producer_id += 10 * slot;
    one.ranges.clear();
    return one;
  }
  // The coordinator refuses its commit, and its opening marker stands.
  void Abort(const Committable& one) {
    coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kFenced;
    TransactionMarker opening = one.marker;
    opening.epoch = Epoch(0);
    coordinator_->offsets[one.transactional_id] = {Value(opening.Encode())};
  }
  // The replay's commit writes the marker: the third question finds it (the first is recovery's
  // own, the second that of the replay, once it has taken its id over).
  void MarkerAfterReplay(const Committable& one) {
    std::deque<GroupOffset>& answers = coordinator_->offsets[one.transactional_id];
    answers = {answers.front(), answers.front(), Value(one.marker.Encode())};
  }
  std::string SuspendedBecause() {
    const absl::Status status = Recover().status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    return std::string(status.message());
  }
};

TEST_F(TransactionalCommitterReplayTest, AnAbortedOneIsPublishedAgainWithItsMarker) {
  Committable one = Empty(0, 7);
  Committable other = Empty(1, 9);  // of nobody we ask about
  Append(one, "a");
  Append(other, "not ours");
  Append(one, "b");
  AddUncommitted(7, {one});
  Abort(one);
  MarkerAfterReplay(one);
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a", "b"));
  EXPECT_THAT(kafka_.Calls("marker"),
              ElementsAre(HasSubstr("p~owner"),
                          AllOf(HasSubstr("p~replay p~5~0~0 7"), HasSubstr(one.marker.Encode()))));
  // Nobody can open or commit the aborted id any more.
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0"));
  EXPECT_THAT(kafka_.Calls("step"),
              ElementsAre("before-recovery-end-transaction p~5~0~0",
                          "after-recovery-end-transaction p~5~0~0", "during-replay p~replay"));
}

// The lost request could open a transaction of the replay id, which nobody would end.
TEST_F(TransactionalCommitterReplayTest, BehindARepeatedRequestTheReplayIdIsTakenOverAgain) {
  Committable one = Empty(0, 7);
  Append(one, "a");
  AddUncommitted(7, {one});
  Abort(one);
  MarkerAfterReplay(one);
  ASSERT_TRUE(Recover().ok());
  const int once = coordinator_->replay_id_taken;

  kafka_.log.clear();
  kafka_.repeat_markers = {"p~replay"};
  Abort(one);
  MarkerAfterReplay(one);
  ASSERT_TRUE(Recover().ok());
  EXPECT_EQ(coordinator_->replay_id_taken, 2 * once + 1);
}

TEST_F(TransactionalCommitterReplayTest, LaterOnesOfTheSubtaskFollowItsReplay) {
  Committable first = Empty(0, 6);
  Committable second = Empty(0, 7, 1);
  Committable beside = Empty(1, 7);
  Append(second, "2");  // its records may even lie before
  Append(first, "1");
  Append(beside, "x");
  AddUncommitted(7, {second, beside, first});
  Abort(first);
  MarkerAfterReplay(first);
  TransactionMarker opening = second.marker;
  opening.epoch = Epoch(0);
  coordinator_->offsets[second.transactional_id] = {Value(opening.Encode()),
                                                    Value(second.marker.Encode())};
  coordinator_->after_commit[beside.transactional_id] = Value(beside.marker.Encode());
  ASSERT_TRUE(Recover().ok());
  // The other subtask is committed, the second one of this is not: it would overtake the first.
  EXPECT_THAT(coordinator_->ended, ElementsAre("p~5~0~0 commit 100:0", "p~5~1~0 commit 101:0"));
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0", "p~5~0~1"));
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("1", "2"));
}

TEST_F(TransactionalCommitterReplayTest, WhatAnotherCommitterHasPublishedIsNotPublishedTwice) {
  Committable one = Empty(0, 7);
  Append(one, "a");
  AddUncommitted(7, {one});
  Abort(one);
  std::deque<GroupOffset>& answers = coordinator_->offsets[one.transactional_id];
  answers = {answers.front(), Value(one.marker.Encode())};  // between the two questions
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
  EXPECT_THAT(kafka_.Calls("init"), ElementsAre("p~owner", "p~replay"));
}

TEST_F(TransactionalCommitterReplayTest, ARangeThatIsGoneSuspendsAndIsNamed) {
  Committable one = Empty(0, 7);
  for (const char* value : {"a", "b", "c"}) Append(one, value);
  AddUncommitted(7, {one});
  Abort(one);
  kafka_.log_start = 1;
  coordinator_->listed = {{"p~4~0~0", 1, TransactionState::kOngoing}};
  EXPECT_THAT(SuspendedBecause(),
              AllOf(HasSubstr("epoch 7"), HasSubstr("'p~5~0~0' was aborted"),
                    HasSubstr("partition 0 begins at offset 1"),
                    HasSubstr("topic 'out', partition 0 offsets 0 to 2 (3 records)"),
                    HasSubstr("weir resume")));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
  // Readers do not wait behind what nobody will end soon.
  EXPECT_EQ(coordinator_->replay_id_taken, 2);
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0", "p~4~0~0"));
}

TEST_F(TransactionalCommitterReplayTest, EveryLossIsNamedAndOtherSubtasksGoOn) {
  Committable gone = Empty(0, 7);
  Committable behind = Empty(0, 7, 1);  // of the same subtask
  Committable unknown = Empty(1, 7);
  Committable replayed = Empty(2, 7);
  Committable healthy = Empty(3, 7);
  Append(gone, "a");
  Append(behind, "b");
  Append(unknown, "c");
  Append(replayed, "d");
  Append(healthy, "e");
  AddUncommitted(7, {gone, behind, unknown, replayed, healthy});
  Abort(gone);
  Abort(replayed);
  kafka_.log_start = 1;
  coordinator_->outcomes[unknown.transactional_id] = EndTransactionOutcome::kUnknownProducerMapping;
  coordinator_->after_commit[healthy.transactional_id] = Value(healthy.marker.Encode());
  TransactionMarker opening = behind.marker;
  opening.epoch = Epoch(0);
  coordinator_->offsets[behind.transactional_id] = {Value(opening.Encode())};
  std::deque<GroupOffset>& answers = coordinator_->offsets[replayed.transactional_id];
  const GroupOffset before = answers.front();
  answers = {before, before, before, Value(replayed.marker.Encode())};
  EXPECT_THAT(
      SuspendedBecause(),
      AllOf(HasSubstr("'p~5~0~0' was aborted"),
            HasSubstr("'p~5~0~1' of epoch 7, of the same subtask, waits for the decision: topic "
                      "'out', partition 0 offsets 1 to 1 (1 record)"),
            HasSubstr("'p~5~1~0' is gone without a trace"),
            HasSubstr("partition 0 offsets 2 to 2 (1 record)")));
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("d"));
  EXPECT_THAT(coordinator_->ended, Contains("p~5~3~0 commit 103:0"));
}

TEST_F(TransactionalCommitterReplayTest, ChangedRecordsAreNotPublished) {
  Committable one = Empty(0, 7);
  Append(one, "a");
  one.ranges[0].checksum ^= 1;
  AddUncommitted(7, {one});
  Abort(one);
  EXPECT_THAT(SuspendedBecause(), HasSubstr("partition 0 has 1 of its 1 records, with another"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
}

TEST_F(TransactionalCommitterReplayTest, FailMeansThatAPersonDecides) {
  aborted_transactions_ = AbortedTransactionPolicy::kFail;
  Committable one = Empty(0, 7);
  Append(one, "a");
  AddUncommitted(7, {one});
  Abort(one);
  EXPECT_THAT(SuspendedBecause(), HasSubstr("was aborted before it was committed: topic 'out'"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());

  kafka_.log.clear();
  recovery_.policy = ResumePolicy::kReplay;
  MarkerAfterReplay(one);
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a"));
}

TEST_F(TransactionalCommitterReplayTest, IgnoreLeavesItOut) {
  aborted_transactions_ = AbortedTransactionPolicy::kIgnore;
  Committable one = Empty(0, 6);
  Committable next = Empty(0, 7, 1);
  Append(one, "a");
  Append(next, "b");
  AddUncommitted(7, {one, next});
  Abort(one);
  coordinator_->after_commit[next.transactional_id] = Value(next.marker.Encode());
  ASSERT_TRUE(Recover().ok());
  // What follows is committed as it is.
  EXPECT_THAT(coordinator_->ended, ElementsAre("p~5~0~0 commit 100:0", "p~5~0~1 commit 110:0"));
  EXPECT_THAT(kafka_.Calls("init"), ElementsAre("p~owner"));
}

TEST_F(TransactionalCommitterReplayTest, ResumeReplayPublishesWhatIsLeft) {
  Committable one = Empty(0, 7);
  for (const char* value : {"a", "b", "c"}) Append(one, value);
  AddUncommitted(7, {one});
  Abort(one);
  MarkerAfterReplay(one);
  kafka_.log_start = 1;
  recovery_.policy = ResumePolicy::kReplay;
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("b", "c"));
}

TEST_F(TransactionalCommitterReplayTest, ResumeReplayWithNothingLeftStillSettlesIt) {
  Committable one = Empty(0, 7);
  Append(one, "a");
  AddUncommitted(7, {one});
  Abort(one);
  MarkerAfterReplay(one);
  kafka_.log_start = 1;
  recovery_.policy = ResumePolicy::kReplay;
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
  EXPECT_THAT(kafka_.Calls("marker").back(), HasSubstr("p~replay p~5~0~0 7"));
}

TEST_F(TransactionalCommitterReplayTest, ResumeIgnoreLeavesOutOnlyWhatIsLost) {
  Committable gone = Empty(0, 7);
  Committable there = Empty(1, 7);
  Append(gone, "a");
  Append(there, "b");
  AddUncommitted(7, {gone, there});
  Abort(gone);
  Abort(there);
  kafka_.log_start = 1;
  // Asked by recovery, by the replay that finds the loss, and by the one without it.
  std::deque<GroupOffset>& answers = coordinator_->offsets[there.transactional_id];
  const GroupOffset opening = answers.front();
  answers = {opening, opening, opening, Value(there.marker.Encode())};
  recovery_.policy = ResumePolicy::kIgnore;
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("b"));
}

TEST_F(TransactionalCommitterReplayTest, OneWithoutATraceIsPublishedOnlyByDecision) {
  Committable one = Empty(0, 7);
  Append(one, "a");
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kUnknownProducerMapping;
  EXPECT_THAT(SuspendedBecause(), HasSubstr("is gone without a trace of a commit"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());

  kafka_.log.clear();
  recovery_.policy = ResumePolicy::kIgnore;
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());

  kafka_.log.clear();
  recovery_.policy = ResumePolicy::kReplay;
  coordinator_->offsets[one.transactional_id] = {{}, {}, Value(one.marker.Encode())};
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(kafka_.CommittedValues(), ElementsAre("a"));
}

}  // namespace
}  // namespace weir::kafka
