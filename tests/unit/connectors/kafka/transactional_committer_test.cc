// The committer's half of docs/protocols/transactions.md against a scripted coordinator.
#include "tests/unit/connectors/kafka/transactional_committer_test.h"

#include "common/base/failure_policy.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(TransactionalCommitterTest, AFreshPrefixStartsWithFenceOne) {
  const auto instructions = Recover();
  ASSERT_TRUE(instructions.ok()) << instructions.status();
  EXPECT_EQ(instructions->fence, 1u);
  EXPECT_EQ(instructions->prefix, kPrefix);
  EXPECT_EQ(instructions->transaction_timeout, absl::Hours(1));
  // What it wrote is read by the next one.
  const std::vector<std::string> markers = kafka_.Calls("marker");
  ASSERT_EQ(markers.size(), 1u);
  EXPECT_THAT(markers[0], HasSubstr("[2 1 held 3 job-1 east]"));
}

TEST_F(TransactionalCommitterTest, TheFenceIsAboveRecordCheckpointAndListedIds) {
  Own({"east", "job-1", 4, false});
  recovery_.last = WriterInstructions{6, kPrefix, absl::Hours(1)}.Encode();
  coordinator_->listed = {{"p~9~0~0", 1, TransactionState::kCompleteCommit},
                          {"other~50~0~0", 1, TransactionState::kOngoing},
                          {"p~x~70~0~0", 1, TransactionState::kOngoing}};
  EXPECT_EQ(Recover()->fence, 10u);
}

TEST_F(TransactionalCommitterTest, APrefixIsTakenFromAnotherJobWhenAPersonHasSaidSo) {
  Own({"west", "job-9", 4, false});
  recovery_.take_over = true;
  EXPECT_EQ(Recover()->fence, 5u);
}

TEST_F(TransactionalCommitterTest, AStepIsToldForWhateverIsSettled) {
  const Committable first = Prepared(0, 7);
  const Committable second = Prepared(1, 8);
  AddUncommitted(8, {first, second});
  coordinator_->after_commit[first.transactional_id] = Value(first.marker.Encode());
  coordinator_->after_commit[second.transactional_id] = Value(second.marker.Encode());
  int steps = 0;
  recovery_.on_progress = [&steps] { ++steps; };
  ASSERT_TRUE(Recover().ok());
  EXPECT_GE(steps, 2);
}

TEST_F(TransactionalCommitterTest, AnotherJobsPrefixIsRefused) {
  Own({"east", "job-2", 4, false});
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("prefix 'p' belongs to job job-2 of cluster 'east'"));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
  EXPECT_THAT(kafka_.Calls("init"), IsEmpty()) << "it fences the owner, who goes on";
  EXPECT_THAT(coordinator_->taken, IsEmpty());
}

// The one that is read behind the fence counts: somebody else was between.
TEST_F(TransactionalCommitterTest, ThePrefixIsRefusedThatBecameAnotherJobsMeanwhile) {
  Own({"east", "job-0", 4, false});
  coordinator_->offsets[OwnerId(kPrefix)].push_back(
      Value(OwnerRecord{"east", "job-2", 5, false}.Encode()));
  EXPECT_TRUE(absl::IsFailedPrecondition(Recover().status()));
  EXPECT_THAT(kafka_.Calls("init"), ElementsAre(OwnerId(kPrefix)));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
}

// At the job's first start, too, its restart strategy goes on.
TEST_F(TransactionalCommitterTest, AnOwnerRecordThatIsBeingWrittenPasses) {
  coordinator_->offsets[OwnerId(kPrefix)] = {{GroupOffset::Kind::kUnstable, -1, ""}};
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_THAT(std::string(status.message()), HasSubstr("prefix 'p' is being written"));
}

TEST_F(TransactionalCommitterTest, AnotherClustersPrefixIsRefusedUnlessReleased) {
  Own({"west", "job-9", 4, false});
  EXPECT_TRUE(absl::IsFailedPrecondition(Recover().status()));
  kafka_.log.clear();
  Own({"west", "job-9", 4, true});
  EXPECT_EQ(Recover()->fence, 5u);
}

TEST_F(TransactionalCommitterTest, APrefixIsOneJobsForWhateverTopic) {
  OwnElsewhere("other", {"east", "job-2", 4, false});
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("prefix 'p' belongs to job job-2"));
  EXPECT_THAT(kafka_.Calls("init"), IsEmpty()) << "it fences the owner, who goes on";
  recovery_.take_over = true;
  EXPECT_EQ(Recover()->fence, 5u);
  EXPECT_THAT(coordinator_->released_elsewhere, ElementsAre("other"));
}

TEST_F(TransactionalCommitterTest, WhatHasEndedElsewhereOnlyRaisesTheFence) {
  OwnElsewhere("released", {"west", "job-9", 4, true});
  OwnElsewhere("ended", {"east", "job-0", 6, false});
  EXPECT_EQ(Recover()->fence, 7u);
  EXPECT_THAT(coordinator_->released_elsewhere, ElementsAre("ended"));
}

TEST_F(TransactionalCommitterTest, TwoSinksOfAJobHaveTwoPrefixes) {
  OwnElsewhere("other", {"east", "job-1", 4, false, recovery_.generation.value()});
  EXPECT_THAT(std::string(Recover().status().message()),
              HasSubstr("is that of this job's sink for topic 'other', too"));
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

// Equal, not "at least": the marker of a later epoch says nothing about this one.
TEST_F(TransactionalCommitterTest, ALaterEpochsMarkerIsNoProof) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  coordinator_->outcomes[one.transactional_id] = EndTransactionOutcome::kFenced;
  TransactionMarker later = one.marker;
  later.epoch = Epoch(9);
  coordinator_->offsets[one.transactional_id] = {Value(later.Encode())};
  EXPECT_THAT(std::string(Recover().status().message()), HasSubstr("is gone without a trace"));
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
  recovery_.last = WriterInstructions{5, kPrefix, absl::Hours(1)}.Encode();
  coordinator_->listed = {
      {"p~3~0~0", 1, TransactionState::kOngoing},  {"p~4~0~0", 1, TransactionState::kCompleteAbort},
      {"p~5~0~1", 1, TransactionState::kEmpty},    {"p~5~1~0", 1, TransactionState::kPrepareAbort},
      {"pq~5~1~0", 1, TransactionState::kOngoing}, {"p~owner", 1, TransactionState::kOngoing}};
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~3~0~0", "p~5~0~1", "p~5~1~0"));
  EXPECT_THAT(coordinator_->ended, IsEmpty());
}

// A coordinator's partition that is moving is listed by nobody.
TEST_F(TransactionalCommitterTest, StraysThatNobodyListsAreAskedFor) {
  Own({"east", "job-1", 5, false});
  recovery_.parallelism = 2;
  coordinator_->listed = {{"p~5~0~0", 1, TransactionState::kCompleteCommit}};
  for (const char* id : {"p~5~0~0", "p~5~1~2", "p~5~1~5", "p~5~1~9"}) {
    coordinator_->described[id] = TransactionState::kOngoing;
  }
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0", "p~5~1~2", "p~5~1~5", "p~5~1~9"));
}

// This recovery was away for a while; since it has looked, a newer one has gone through.
TEST_F(TransactionalCommitterTest, ANewerGenerationsTransactionsAreNoStrays) {
  Own({"east", "job-1", 5, false});
  coordinator_->listed = {{"p~5~0~0", 1, TransactionState::kOngoing}};
  kafka_.during["commit p~owner"] = [this] {
    coordinator_->listed.push_back({"p~7~0~0", 1, TransactionState::kOngoing});
  };
  ASSERT_EQ(Recover()->fence, 6u);
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0"));
}

// Of generation 3 there is a checkpoint; 4 and 5 raised the fence and got no further.
TEST_F(TransactionalCommitterTest, AFailedRecoveryLeavesItsStraysToTheNext) {
  Own({"east", "job-1", 5, false});
  recovery_.last = WriterInstructions{3, kPrefix, absl::Hours(1)}.Encode();
  coordinator_->listed = {{"p~2~0~0", 1, TransactionState::kCompleteCommit},
                          {"p~3~0~0", 1, TransactionState::kCompleteCommit}};
  recovery_.parallelism = 1;
  coordinator_->described["p~3~0~1"] = TransactionState::kEmpty;
  coordinator_->described["p~4~0~0"] = TransactionState::kOngoing;  // no broker lists it
  ASSERT_TRUE(Recover().ok());
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~3~0~0", "p~3~0~1", "p~4~0~0"));
}

TEST_F(TransactionalCommitterTest, NothingIsAskedForALongerTimeoutThanBrokersAllow) {
  coordinator_->max_timeout = absl::Minutes(1);
  transaction_timeout_ = absl::Seconds(30);
  coordinator_->listed = {{"p~3~0~0", 1, TransactionState::kOngoing}};
  const auto recovered = Recover();
  ASSERT_TRUE(recovered.ok()) << recovered.status();
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~3~0~0"));
}

TEST_F(TransactionalCommitterTest, TheTimeoutIsLoweredToWhatBrokersAllow) {
  coordinator_->max_timeout = absl::Minutes(15);
  EXPECT_EQ(Recover()->transaction_timeout, absl::Minutes(15));
}

TEST_F(TransactionalCommitterTest, AnIntervalThatTheLoweredTimeoutDoesNotBearIsRefused) {
  coordinator_->max_timeout = absl::Minutes(15);
  recovery_.checkpoint_interval = absl::Minutes(7) + absl::Seconds(30);
  EXPECT_TRUE(Recover().ok());
  kafka_.log.clear();
  recovery_.checkpoint_interval += absl::Seconds(1);
  const absl::Status status = Recover().status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr("checkpoint.interval is 7m31s"), HasSubstr("lowered to 15m")));
  // What nobody lowers has been checked when the job was submitted.
  kafka_.log.clear();
  coordinator_->max_timeout = absl::Hours(1);
  EXPECT_TRUE(Recover().ok());
}

TEST_F(TransactionalCommitterTest, ASweepEndsWhatIsOpenOfEarlierGenerations) {
  const std::string recovered = Recover()->Encode();
  ASSERT_EQ(WriterInstructions::Decode(recovered)->fence, 1u);
  const std::string later = WriterInstructions{6, kPrefix, absl::Hours(1)}.Encode();
  coordinator_->taken.clear();
  coordinator_->listed = {{"p~5~0~0", 1, TransactionState::kOngoing},
                          {"p~4~0~0", 1, TransactionState::kCompleteCommit},
                          {"p~6~0~0", 1, TransactionState::kOngoing},
                          {"p~7~0~0", 1, TransactionState::kOngoing},
                          {"p~x~5~0~0", 1, TransactionState::kOngoing}};
  EXPECT_EQ(committer_->Sweep(recovery_.identity, later), absl::OkStatus());
  EXPECT_THAT(coordinator_->taken, ElementsAre("p~5~0~0"));
}

class RefreshTest : public TransactionalCommitterTest {
 protected:
  absl::Status Refresh() {
    Recover().status().IgnoreError();  // makes a committer, whose record is of no interest here
    kafka_.log.clear();
    return committer_->Refresh(recovery_.identity,
                               WriterInstructions{5, kPrefix, absl::Hours(1), 3}.Encode());
  }
};

TEST_F(RefreshTest, WritesTheRecordAgain) {
  Own({"east", "job-1", 5, false, 3});
  ASSERT_EQ(Refresh(), absl::OkStatus());
  ASSERT_EQ(kafka_.Calls("marker").size(), 1u);
  EXPECT_THAT(kafka_.Calls("marker")[0], HasSubstr("[2 5 held 3 job-1 east]"));
  EXPECT_EQ(kafka_.Calls("commit").size(), 1u);
}

TEST_F(RefreshTest, WritesARecordThatHasExpired) {
  ASSERT_EQ(Refresh(), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("marker")[0], HasSubstr("[2 5 held 3 job-1 east]"));
}

TEST_F(RefreshTest, LeavesALaterGenerationsRecordAlone) {
  Own({"east", "job-1", 6, false});
  const absl::Status status = Refresh();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("is fence 6 of job job-1"));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
}

TEST_F(RefreshTest, LeavesAnotherJobsRecordAlone) {
  Own({"east", "job-2", 5, false});
  EXPECT_TRUE(absl::IsFailedPrecondition(Refresh()));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
}

// Its recovery was slow, and another generation runs by now.
TEST_F(TransactionalCommitterTest, AnOlderGenerationLeavesThePrefixAlone) {
  Own({"east", "job-1", 5, false, 4});
  EXPECT_TRUE(absl::IsAborted(Recover().status()));
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
  EXPECT_THAT(coordinator_->taken, IsEmpty());
}

TEST_F(TransactionalCommitterTest, ReleaseMarksTheRecord) {
  ASSERT_TRUE(Recover().ok());
  ASSERT_EQ(committer_->Release(), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("marker").back(), HasSubstr("[2 1 released 3 job-1 east]"));
}

// The lost request could write "held" into the transaction that says "released".
TEST_F(TransactionalCommitterTest, AReleaseBehindARepeatedRequestTakesTheIdOverAnew) {
  kafka_.repeat_markers = {OwnerId(kPrefix)};
  ASSERT_TRUE(Recover().ok());
  kafka_.log.clear();
  Own({"east", "job-1", 1, false, 3});
  ASSERT_EQ(committer_->Release(), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("init"), ElementsAre(OwnerId(kPrefix)));
  EXPECT_THAT(kafka_.Calls("marker"), ElementsAre(HasSubstr("[2 1 released 3 job-1 east]")));
}

TEST_F(TransactionalCommitterTest, AReleaseThatTakesOverAnewLeavesALaterGenerationsRecordAlone) {
  kafka_.repeat_commits = {OwnerId(kPrefix)};
  ASSERT_TRUE(Recover().ok());
  kafka_.log.clear();
  Own({"east", "job-1", 2, false, 4});
  const absl::Status status = committer_->Release();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
}

TEST_F(TransactionalCommitterTest, AnOwnerRecordThatIsNoneIsNamed) {
  coordinator_->offsets[OwnerId(kPrefix)] = {Value("")};
  const absl::Status refused = Recover().status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(
      std::string(refused.message()),
      HasSubstr("the owner record of the transactional id prefix 'p', which is the offset of "
                "group 'p~owner' for topic 'out', partition 0, cannot be read"));
  recovery_.take_over = true;
  kafka_.log.clear();
  EXPECT_TRUE(Recover().ok());
}

// A clean-up that was interrupted behind its release; meanwhile another job took the prefix.
TEST_F(TransactionalCommitterTest, ACleanupLeavesAPrefixAloneThatIsAnothersByNow) {
  const Committable one = Prepared(0, 7);
  coordinator_->offsets[one.transactional_id] = {Value(one.marker.Encode())};
  AddUncommitted(7, {one});
  recovery_.cleanup = true;
  recovery_.last = WriterInstructions{5, kPrefix, absl::Hours(1)}.Encode();
  Own({"east", "job-2", 8, false, 1});
  ASSERT_TRUE(Recover().ok());
  EXPECT_EQ(committer_->Release(), absl::OkStatus());
  EXPECT_THAT(kafka_.Calls("marker"), IsEmpty());
  EXPECT_THAT(coordinator_->taken, IsEmpty());
  EXPECT_THAT(coordinator_->ended, IsEmpty());
}

TEST_F(TransactionalCommitterTest, ACleanupThatOwesSomethingNeedsThePrefix) {
  const Committable one = Prepared(0, 7);
  AddUncommitted(7, {one});
  recovery_.cleanup = true;
  Own({"east", "job-2", 8, false, 1});
  EXPECT_TRUE(absl::IsFailedPrecondition(Recover().status()));
}

}  // namespace
}  // namespace weir::kafka
