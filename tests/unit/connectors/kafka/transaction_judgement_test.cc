// What a transactional id is to a job, of what its log says and the brokers answered.
#include "connectors/kafka/transactional/transaction_judgement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_join.h"

#include "connectors/kafka/transactional/transaction_explanation.h"
#include "connectors/kafka/transactional/writer_instructions.h"

namespace weir::kafka {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Kind = TransactionKind;

constexpr absl::Time kNow = absl::FromUnixSeconds(1'000'000);

/// Job "job-1" of cluster "east", which runs its generation 4 under fence 6 of prefix "p".
class TransactionJudgementTest : public ::testing::Test {
 protected:
  TransactionJudgementTest() {
    facts_.identity = {"east", JobId("job-1"), "flights", OperatorUid("sink")};
    facts_.job_state = "RUNNING";
    facts_.generation = Generation(4);
    facts_.newest_epoch = Epoch(12);
    facts_.ended_jobs = {"job-0"};
    facts_.running = WriterInstructions{6, "p", absl::Hours(1)}.Encode();
    owner_ = OwnerRecord{"east", "job-1", 6, false};
  }
  void Suspend() {
    facts_.job_state = "SUSPENDED";
    facts_.settled = true;
    facts_.running.clear();
  }
  void End() {
    facts_.job_state = "CANCELED";
    facts_.settled = facts_.ended = true;
    facts_.running.clear();
    facts_.ended_jobs.insert("job-1");
  }
  TransactionJudgement Judgement() {
    auto made = TransactionJudgement::Make(facts_, "p", "out", owner_);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }
  static FoundTransaction Found(const std::string& id,
                                TransactionState state = TransactionState::kOngoing) {
    FoundTransaction found;
    found.id = id;
    found.described.state = state;
    found.described.producer = {7000, 3};
    found.described.timeout = absl::Minutes(15);
    if (state == TransactionState::kOngoing) {
      found.described.start_time = kNow - absl::Seconds(90);
      found.described.partitions = {{"__consumer_offsets", 3}, {"out", 0}, {"out", 1}};
    }
    return found;
  }
  Kind KindOf(const FoundTransaction& found) { return Judgement().KindOf(found); }
  /// "" when it may be ended.
  std::string Refusal(const FoundTransaction& found) {
    const absl::Status status = Judgement().CheckMayEnd(found);
    EXPECT_TRUE(status.ok() || absl::IsFailedPrecondition(status)) << status;
    return std::string(status.message());
  }
  std::string Explained(const FoundTransaction& found) {
    return absl::StrJoin(ExplainFound(Judgement(), found, kNow), "\n");
  }
  /// Owned epoch 12 needs a transaction that was prepared for `epoch`.
  Committable Owe(const std::string& id, uint64_t epoch = 12) {
    Committable one;
    one.transactional_id = id;
    one.topic = "out";
    one.marker = {"job-1", 3, Epoch(epoch), {7000, 3}};
    one.timeout = absl::Minutes(15);
    one.ranges[0] = {5, 9, 5, 1};
    one.ranges[2] = {40, 40, 1, 1};
    facts_.uncommitted.push_back({Epoch(12), {one.Encode()}});
    return one;
  }

  SinkTransactionFacts facts_;
  std::optional<OwnerRecord> owner_;
};

TEST_F(TransactionJudgementTest, IdsAreParsedExactly) {
  const TransactionJudgement judgement = Judgement();
  for (const char* id : {"p~6~0~0", "p~owner", "p~replay"}) EXPECT_TRUE(judgement.Names(id)) << id;
  for (const char* id : {"pq~6~0~0", "p~x~6~0~0", "p~06~0~0", "p~6~0", "p~owner~1", "p"}) {
    EXPECT_FALSE(judgement.Names(id)) << id;
  }
}

TEST_F(TransactionJudgementTest, TheRunningGenerationsIdsAreItsWriters) {
  EXPECT_EQ(KindOf(Found("p~6~0~0")), Kind::kCurrent);
  EXPECT_EQ(KindOf(Found("p~6~0~1", TransactionState::kCompleteCommit)), Kind::kCurrent);
  EXPECT_THAT(Refusal(Found("p~6~0~0")), HasSubstr("of the newest generation of the job"));
  EXPECT_THAT(Explained(Found("p~6~0~0")),
              AllOf(HasSubstr("'p~6~0~0': open in the running generation (fence 6, subtask 0, slot "
                              "0)."),
                    HasSubstr("Ongoing, producer id 7000, epoch 3; begun 1m30s ago"),
                    HasSubstr("it writes to topic 'out', partition 0, 1."),
                    HasSubstr("`weir transactions abort` refuses: ")));
}

// `weir cancel --abandon-transactions`: nobody comes for it any more.
TEST_F(TransactionJudgementTest, WhatAnEndedJobOwesMayBeEnded) {
  Owe("p~6~0~0");
  EXPECT_EQ(KindOf(Found("p~6~0~0")), Kind::kOwed);
  EXPECT_THAT(Refusal(Found("p~6~0~0")), HasSubstr("epoch 12 is owned and has no receipt"));
  End();
  EXPECT_EQ(KindOf(Found("p~6~0~0")), Kind::kStray);
  EXPECT_EQ(Refusal(Found("p~6~0~0")), "");
  EXPECT_EQ(KindOf(Found("p~6~0~0", TransactionState::kCompleteCommit)), Kind::kIdle);
  EXPECT_THAT(
      Explained(Found("p~6~0~0")),
      AllOf(HasSubstr("epoch 12 was owned without a receipt, and this transaction was given "
                      "up with it"),
            HasSubstr("`weir transactions abort` ends it by InitProducerId")));
}

TEST_F(TransactionJudgementTest, AnOpenIdOfALowerFenceIsAStray) {
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kStray);
  EXPECT_EQ(Refusal(Found("p~5~0~0")), "");
  EXPECT_EQ(KindOf(Found("p~5~0~0", TransactionState::kCompleteAbort)), Kind::kIdle);
  EXPECT_THAT(Explained(Found("p~5~0~0")),
              AllOf(HasSubstr("stray of an earlier generation"),
                    HasSubstr("no owned epoch without a receipt needs this transaction"),
                    HasSubstr("The next recovery ends it by InitProducerId."),
                    HasSubstr("`weir transactions abort` ends it by InitProducerId")));
}

TEST_F(TransactionJudgementTest, AnIdOfAHigherFenceIsNobodysToEnd) {
  EXPECT_EQ(KindOf(Found("p~7~0~0")), Kind::kUndecided);
  EXPECT_THAT(Refusal(Found("p~7~0~0")), HasSubstr("a generation that is starting"));
}

TEST_F(TransactionJudgementTest, WhatAnOwnedEpochNeedsIsKept) {
  const Committable owed = Owe("p~5~0~0");
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kOwed);
  EXPECT_EQ(Refusal(Found("p~5~0~0")),
            "epoch 12 is owned and has no receipt: it needs transaction 'p~5~0~0'");
  EXPECT_THAT(Explained(Found("p~5~0~0")),
              AllOf(HasSubstr("prepared for owned epoch 12"),
                    HasSubstr("topic 'out', partition 0 offsets 5 to 9 (5 records), partition 2 "
                              "offsets 40 to 40 (1 record)"),
                    HasSubstr("Its writer commits it")));
  EXPECT_EQ(KindOf(Found("p~5~0~1")), Kind::kStray);  // its neighbour
}

// A failed epoch's transaction rides in a later answer, and is owned with it.
TEST_F(TransactionJudgementTest, ATransactionOfAFailedEpochIsNeededByTheOneThatOwnsIt) {
  Owe("p~5~0~0", 11);
  EXPECT_THAT(Explained(Found("p~5~0~0")),
              AllOf(HasSubstr("epoch 12 is owned, has no receipt"),
                    HasSubstr("which was prepared for epoch 11 with producer id 7000, epoch 3")));
}

TEST_F(TransactionJudgementTest, TheMarkerTellsWhatBecameOfAnOwedTransaction) {
  using Fate = TransactionJudgement::Fate;
  const Committable owed = Owe("p~5~0~0");
  const TransactionJudgement judgement = Judgement();
  const OwedTransaction& known = *judgement.FindOwed("p~5~0~0");
  FoundTransaction found = Found("p~5~0~0", TransactionState::kPrepareCommit);
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kCommitting);
  found.described.state = TransactionState::kCompleteCommit;
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kUnknown);
  found.marker = owed.marker;
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kCommitted);
  found.marker->epoch = Epoch(13);  // equal, not "at least"
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kUnknown);
  found.marker->epoch = Epoch(11);
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kAborted);
  found.marker->run = "job-0";
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kUnknown);
  // Open again, but by another producer: this one is over.
  found = Found("p~5~0~0");
  found.described.producer = {7000, 5};
  found.marker = owed.marker;
  found.marker->epoch = Epoch(0);
  EXPECT_EQ(TransactionJudgement::FateOf(known, found), Fate::kAborted);
  EXPECT_THAT(Explained(found), HasSubstr("aborted, and owned epoch 12 needs it"));
}

TEST_F(TransactionJudgementTest, ASuspendedJobsStraysMayBeEndedAndWhatItOwesNot) {
  Suspend();
  owner_->fence = 7;  // of the recovery that suspended it
  Owe("p~6~0~0");
  EXPECT_THAT(Refusal(Found("p~6~0~0")), HasSubstr("epoch 12 is owned"));
  EXPECT_EQ(Refusal(Found("p~6~0~1")), "");
  EXPECT_THAT(Explained(Found("p~6~0~0")), HasSubstr("The next recovery commits it"));
  // It may have been resumed meanwhile.
  EXPECT_THAT(Refusal(Found("p~7~0~0")), HasSubstr("of the newest generation"));
}

TEST_F(TransactionJudgementTest, NothingIsEndedWhileARecoveryMayBeUnderWay) {
  facts_.job_state = "DEPLOYING";
  facts_.running.clear();
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kStray);
  EXPECT_THAT(Refusal(Found("p~5~0~0")), HasSubstr("its recovery ends such transactions itself"));
}

// The facts are older than the record: an epoch of fence 6 may be owned by now without them.
TEST_F(TransactionJudgementTest, NothingIsEndedWhenAnotherGenerationHasStartedMeanwhile) {
  owner_->fence = 7;
  EXPECT_EQ(KindOf(Found("p~6~0~0")), Kind::kStray);
  EXPECT_THAT(Refusal(Found("p~6~0~0")), HasSubstr("another generation of job job-1 has started"));
}

TEST_F(TransactionJudgementTest, AnotherJobsPrefixIsLeftAlone) {
  facts_.prefix = "p";
  facts_.running = WriterInstructions{6, "mine", absl::Hours(1)}.Encode();
  owner_ = OwnerRecord{"east", "job-2", 6, false};
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kForeign);
  EXPECT_EQ(Refusal(Found("p~5~0~0")),
            "the transactional id prefix 'p' belongs to job job-2 of cluster 'east', which is not "
            "known to have ended");
  EXPECT_EQ(Refusal(Found("p~owner")), Refusal(Found("p~5~0~0")));
  EXPECT_EQ(Refusal(Found("p~replay")), Refusal(Found("p~5~0~0")));
  owner_ = OwnerRecord{"west", "job-9", 6, false};  // who knows
  EXPECT_THAT(Refusal(Found("p~5~0~0")), HasSubstr("belongs to job job-9 of cluster 'west'"));
}

TEST_F(TransactionJudgementTest, AnEndedJobsLeftOversMayBeEnded) {
  facts_.prefix = "p";
  facts_.running = WriterInstructions{6, "mine", absl::Hours(1)}.Encode();
  for (const OwnerRecord& record :
       {OwnerRecord{"east", "job-0", 6, false}, OwnerRecord{"west", "job-9", 6, true}}) {
    owner_ = record;
    EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kStray);
    EXPECT_EQ(Refusal(Found("p~5~0~0")), "");
    EXPECT_EQ(Refusal(Found("p~owner")), "");
    EXPECT_EQ(Refusal(Found("p~6~0~0")), "");
    EXPECT_THAT(Refusal(Found("p~7~0~0")), HasSubstr("may be of"));
  }
  owner_.reset();
  EXPECT_EQ(Refusal(Found("p~9~0~0")), "");
}

// It may have been submitted after the facts were gathered.
TEST_F(TransactionJudgementTest, AJobThatIsNotKnownToHaveEndedKeepsThePrefix) {
  End();
  owner_ = OwnerRecord{"east", "job-3", 8, false};
  EXPECT_EQ(KindOf(Found("p~8~0~0")), Kind::kForeign);
  EXPECT_THAT(Refusal(Found("p~7~0~0")), HasSubstr("belongs to job job-3"));
}

// Its owner record would be at another topic: nobody has looked there.
TEST_F(TransactionJudgementTest, ATransactionOfAnotherTopicIsLeftAlone) {
  facts_.prefix = "p";
  facts_.running.clear();
  owner_.reset();
  FoundTransaction found = Found("p~6~0~0");
  found.described.partitions.push_back({"elsewhere", 0});
  EXPECT_THAT(Refusal(found), HasSubstr("writes to topic 'elsewhere'"));
}

TEST_F(TransactionJudgementTest, AfterItsEndAJobHoldsNothing) {
  End();
  EXPECT_EQ(KindOf(Found("p~6~0~1")), Kind::kStray);
  EXPECT_EQ(Refusal(Found("p~6~0~1")), "");
  EXPECT_EQ(Refusal(Found("p~owner")), "");
  EXPECT_THAT(Explained(Found("p~6~0~1")), HasSubstr("The prefix 'p' is free: job job-1"));
}

TEST_F(TransactionJudgementTest, TheOwnerRecordStaysWhileTheJobLives) {
  EXPECT_EQ(KindOf(Found("p~owner")), Kind::kOwner);
  EXPECT_EQ(Refusal(Found("p~owner")),
            "'p~owner' keeps the owner record of job job-1, which has not ended");
}

TEST_F(TransactionJudgementTest, ReplaysAreOfTheRecovery) {
  EXPECT_EQ(KindOf(Found("p~replay")), Kind::kReplay);
  EXPECT_THAT(Refusal(Found("p~replay")), HasSubstr("is taken over by each recovery"));
  Suspend();
  EXPECT_EQ(Refusal(Found("p~replay")), "");
}

TEST_F(TransactionJudgementTest, WithoutARecordTheRunningGenerationTells) {
  owner_.reset();
  EXPECT_EQ(KindOf(Found("p~6~0~0")), Kind::kCurrent);
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kStray);
  facts_.running.clear();
  EXPECT_EQ(KindOf(Found("p~5~0~0")), Kind::kUndecided);
}

TEST_F(TransactionJudgementTest, ARowHoldsWhatIsKnown) {
  FoundTransaction found = Found("p~5~2~1");
  found.marker = TransactionMarker{"job-1", 3, Epoch(9), {7000, 3}};
  const SinkTransaction row = DescribeFound(Judgement(), found, kNow);
  EXPECT_EQ(row.id, "p~5~2~1");
  EXPECT_EQ(row.state, "Ongoing");
  EXPECT_EQ(row.kind, "STRAY");
  EXPECT_EQ(row.fence, 5u);
  EXPECT_EQ(row.subtask, 2u);
  EXPECT_EQ(row.slot, 1u);
  EXPECT_EQ(row.age, absl::Seconds(90));
  EXPECT_EQ(row.timeout, absl::Minutes(15));
  EXPECT_EQ(row.marker_epoch, 9u);
  EXPECT_EQ(row.producer_id, 7000);
  EXPECT_EQ(row.producer_epoch, 3);
  const SinkTransaction owner = DescribeFound(Judgement(), Found("p~owner"), kNow);
  EXPECT_EQ(owner.fence, std::nullopt);
  EXPECT_EQ(owner.meaning, "owner record, of job job-1");
}

}  // namespace
}  // namespace weir::kafka
