#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "common/exec/thread_blocking_pool.h"
#include "connectors/kafka/transactional/owner_record.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "tests/unit/connectors/kafka/transactional_writer_test.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(TransactionalWriterTest, InstructionsThatCannotBeReadFailOpen) {
  MakeWriter(pool_);
  EXPECT_EQ(writer_->Open("").code(), absl::StatusCode::kDataLoss);
}

TEST_F(TransactionalWriterTest, ASlotThatCannotBeWarmedFailsTheTask) {
  kafka_.errors[absl::StrCat("init ", kFirst)] = absl::AbortedError("fenced");
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  pool_.RunAll();
  EXPECT_TRUE(writer_->HasRoom());  // so that the next call says it
  EXPECT_EQ(WriteStatus("a"), absl::AbortedError("fenced"));
}

// A worker that hears of its start too late: a newer generation's recovery has listed the ids.
TEST_F(TransactionalWriterTest, AZombieOpensNothing) {
  const OwnerRecord newer{"east", "run", 8, false, 6};
  kafka_.offsets[OwnerId("p")] = {GroupOffset::Kind::kValue, 8, newer.Encode()};
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  pool_.RunAll();
  EXPECT_TRUE(writer_->HasRoom());
  const absl::Status status = WriteStatus("a");
  EXPECT_TRUE(absl::IsAborted(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("taken over with fence 8"));
  EXPECT_THAT(kafka_.Calls("begin"), IsEmpty());
}

TEST_F(TransactionalWriterTest, ItsOwnGenerationsRecordStopsNobody) {
  const OwnerRecord own{"east", "run", 7, false, 5};
  kafka_.offsets[OwnerId("p")] = {GroupOffset::Kind::kValue, 7, own.Encode()};
  Open();
  Write({"a"});
}

class FailedPreparationTest : public TransactionalWriterTest,
                              public testing::WithParamInterface<const char*> {};

TEST_P(FailedPreparationTest, FailsTheBarrierAndAllThatFollows) {
  Open();
  Write({"a"});
  kafka_.errors[absl::StrCat(GetParam(), " ", kFirst)] = absl::UnavailableError("gone");
  Prepared first, second;
  Barrier(1, &first);
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->status(), absl::UnavailableError("gone"));
  EXPECT_EQ(WriteStatus("b"), absl::UnavailableError("gone"));
  Barrier(2, &second);
  ASSERT_TRUE(second.has_value());
  EXPECT_FALSE(second->ok());
  EXPECT_EQ(Commit(1), absl::UnavailableError("gone"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Calls, FailedPreparationTest, testing::Values("marker", "flush"));

TEST_F(TransactionalWriterTest, AnIdThatIsNeverOpenedAtOnceFailsTheTask) {
  for (int slot = 0; slot < 100; ++slot) {
    kafka_.repeat_commits.insert(absl::StrCat("p~7~3~", slot));
  }
  MakeWriter(pool_);
  ASSERT_TRUE(writer_->Open(Instructions()).ok());
  for (int i = 0; i < 50; ++i) {
    pool_.RunAll();
    writer_->HasRoom();
  }
  EXPECT_EQ(WriteStatus("a").code(), absl::StatusCode::kUnavailable);
  EXPECT_LE(kafka_.made.size(), 12u);
}

TEST_F(TransactionalWriterTest, ALostRecordFailsTheBarrier) {
  Open();
  kafka_.deliver_on_poll = false;
  Write({"a", "b"});
  kafka_.fail_records = absl::InternalError("t, partition 0: no");
  Prepared result;
  Barrier(1, &result);
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(result->status().message()), HasSubstr("t, partition 0: no"));
  EXPECT_THAT(std::string(result->status().message()), HasSubstr(kFirst));
}

TEST_F(TransactionalWriterTest, ARecordThatNobodyAcknowledgedFailsTheBarrier) {
  Open();
  kafka_.forget_reports = true;
  Write({"a", "b"});
  Prepared result;
  Barrier(1, &result);
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kInternal);
}

TEST_F(TransactionalWriterTest, ATransactionThatSomebodyEndedFailsTheBarrier) {
  Open();
  Write({"a"});
  Prepared result;
  Barrier(1, &result);
  kafka_.during[absl::StrCat("marker ", kFirst)] = [this] {
    kafka_.transactions[kFirst].producer.epoch = 1;
    kafka_.transactions[kFirst].state = TransactionState::kCompleteAbort;
  };
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(result->status().message()), HasSubstr("CompleteAbort"));
}

TEST_F(TransactionalWriterTest, ATransactionThatWasTakenOverGetsNoMarker) {
  Open();
  Write({"a"});
  Prepared result;
  Barrier(1, &result);
  kafka_.transactions[kFirst].producer.epoch = 1;
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kAborted);
}

TEST_F(TransactionalWriterTest, WithoutTheCoordinatorsWordNothingIsPrepared) {
  Open();
  Write({"a"});
  kafka_.describe_error = absl::DeadlineExceededError("no coordinator");
  Prepared result;
  Barrier(1, &result);
  pool_.RunAll();
  writer_->HasRoom();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(TransactionalWriterTest, AFailedCommitFailsTheTaskAndLeavesTheLaterOnesAlone) {
  Open();
  Write({"a"});
  Prepare(1);
  Write({"b"});
  Prepare(2);
  kafka_.errors[absl::StrCat("commit ", kFirst)] = absl::AbortedError("fenced");
  const absl::Status status = Commit(2);
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("epoch 1"));
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
  EXPECT_EQ(WriteStatus("c").code(), absl::StatusCode::kAborted);
}

TEST_F(TransactionalWriterTest, APermitBeforeTheAnswerIsAnError) {
  Open();
  Write({"a"});
  Prepared result;
  Barrier(1, &result);
  std::optional<absl::Status> committed;
  Permit(1, &committed);
  ASSERT_TRUE(committed.has_value());
  EXPECT_EQ(committed->code(), absl::StatusCode::kInternal);
  EXPECT_THAT(kafka_.CommittedValues(), IsEmpty());
}

TEST_F(TransactionalWriterTest, DestructionEndsNoTransactionAndRunsNoQueuedJob) {
  Open();
  Write({"a"});
  Prepare(1);
  Write({"b"});
  Prepared result;
  Barrier(2, &result);
  kafka_.log.clear();
  writer_.reset();
  EXPECT_TRUE(kafka_.cancelled);
  pool_.RunAll();
  EXPECT_EQ(kafka_.live_producers, 0);
  EXPECT_FALSE(result.has_value());
  for (const std::string& line : kafka_.log) EXPECT_THAT(line, HasSubstr("close"));
}

TEST_F(TransactionalWriterTest, RunsOnARealPool) {
  {
    ThreadBlockingPool pool({"txn-test", 1});  // the doubles know one thread
    MakeWriter(pool);
    ASSERT_TRUE(writer_->Open(Instructions()).ok());
    writer_.reset();  // while jobs run
  }
  EXPECT_EQ(kafka_.live_producers, 0);
}

}  // namespace
}  // namespace weir::kafka
