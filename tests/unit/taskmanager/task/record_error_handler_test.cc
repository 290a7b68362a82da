#include "taskmanager/task/record_error_handler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LetterBox final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    const RecordReader<DeadLetter> reader(*batch);
    for (size_t row = 0; row < reader.rows(); ++row) letters.push_back(reader.Materialize(row));
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
  std::vector<DeadLetter> letters;
};

std::string TextOf(const std::optional<ByteArray>& bytes) {
  if (!bytes.has_value()) return "(none)";
  return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
}

class RecordErrorHandlerTest : public testing::Test {
 protected:
  void Make(ErrorAction action, int64_t budget = 0) {
    RecordErrorHandler::Options options;
    options.policy.action = action;
    options.policy.budget_per_minute = budget;
    options.job = "payments";
    options.job_id = "job-1";
    options.subtask = 3;
    handler_ = std::make_unique<RecordErrorHandler>(options, identity_, counters_, boundary_,
                                                    clock_, box_);
  }
  absl::Status FailRecord() {
    FailedRecord record;
    record.key = Payload{nullptr, 0, true};
    record.value = Payload{"not {json", 9, false};
    record.topic = "payments-in";
    record.partition = 2;
    record.offset = 17;
    record.reason = "no object";
    return handler_->OnFailedRecord(record);
  }

  const OperatorIdentity identity_{"parse-uid", "parse"};
  OperatorCounters counters_;
  OperatorBoundary boundary_;
  TestingClock clock_;
  LetterBox box_;
  std::unique_ptr<RecordErrorHandler> handler_;
};

TEST_F(RecordErrorHandlerTest, ToFailNamesTheRecord) {
  Make(ErrorAction::kFail);
  EXPECT_EQ(FailRecord().code(), absl::StatusCode::kInvalidArgument);
  ASSERT_TRUE(boundary_.failure().has_value());
  EXPECT_EQ(boundary_.failure()->ToString(),
            "operator 'parse' failed at topic payments-in, partition 2, offset 17: no object");
}

TEST_F(RecordErrorHandlerTest, ToFailNamesTheRowAndNotItsBatch) {
  Make(ErrorAction::kFail);
  EXPECT_EQ(handler_->OnFailedRow(*MakeBatch({1, 2, 3}, {}, 100), 1, "two").code(),
            absl::StatusCode::kUnknown);
  EXPECT_EQ(boundary_.failure()->ToString(),
            "operator 'parse' failed at topic numbers, partition 0, offset 101: a user function "
            "threw: two");
}

TEST_F(RecordErrorHandlerTest, ToSkipCounts) {
  Make(ErrorAction::kSkip);
  EXPECT_TRUE(FailRecord().ok());
  EXPECT_TRUE(handler_->OnFailedRow(*MakeBatch({1}, {}, 100), 0, "one").ok());
  EXPECT_TRUE(handler_->Flush().ok());
  EXPECT_EQ(counters_.skipped, 2u);
  EXPECT_EQ(counters_.dead_lettered, 0u);
  EXPECT_THAT(box_.letters, IsEmpty());
  EXPECT_FALSE(boundary_.failure().has_value());
}

TEST_F(RecordErrorHandlerTest, DeadLetterHasTheRecordAndWhereItCameFrom) {
  Make(ErrorAction::kDeadLetter);
  ASSERT_TRUE(FailRecord().ok());
  EXPECT_THAT(box_.letters, IsEmpty()) << "before the batch behind it";
  ASSERT_TRUE(handler_->Flush().ok());
  ASSERT_EQ(box_.letters.size(), 1u);
  const DeadLetter& letter = box_.letters[0];
  EXPECT_EQ(TextOf(letter.key), "(none)");
  EXPECT_EQ(TextOf(letter.value), "not {json");
  EXPECT_EQ(letter.format, "raw");
  EXPECT_EQ(letter.topic, "payments-in");
  EXPECT_EQ(letter.partition, 2);
  EXPECT_EQ(letter.offset, 17);
  EXPECT_EQ(letter.job, "payments");
  EXPECT_EQ(letter.job_id, "job-1");
  EXPECT_EQ(letter.operator_name, "parse");
  EXPECT_EQ(letter.operator_uid, "parse-uid");
  EXPECT_EQ(letter.subtask, 3);
  EXPECT_EQ(letter.error, "no object");
  EXPECT_TRUE(handler_->Flush().ok());
  EXPECT_EQ(box_.letters.size(), 1u);
}

TEST_F(RecordErrorHandlerTest, DeadLetterOfAFunctionHasItsInputAsJson) {
  Make(ErrorAction::kDeadLetter);
  ASSERT_TRUE(handler_->OnFailedRow(*MakeBatch({7, 8}), 1, "eight").ok());
  ASSERT_TRUE(handler_->Flush().ok());
  ASSERT_EQ(box_.letters.size(), 1u);
  EXPECT_EQ(TextOf(box_.letters[0].value), R"({"value":8})");
  EXPECT_EQ(box_.letters[0].format, "json");
  EXPECT_FALSE(box_.letters[0].topic.has_value());
  EXPECT_EQ(box_.letters[0].error, "a user function threw: eight");
}

TEST_F(RecordErrorHandlerTest, BudgetIsPerMinute) {
  Make(ErrorAction::kSkip, 2);
  EXPECT_TRUE(FailRecord().ok());
  EXPECT_TRUE(FailRecord().ok());
  clock_.Advance(absl::Seconds(61));
  EXPECT_TRUE(FailRecord().ok());
  EXPECT_TRUE(FailRecord().ok());
  EXPECT_EQ(FailRecord().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(boundary_.failure()->ToString(),
              HasSubstr("operator 'parse' failed at topic payments-in, partition 2, offset 17: its "
                        "error budget of 2 records per minute is used up; the last: no object"));
  EXPECT_EQ(counters_.skipped, 4u);
}

}  // namespace
}  // namespace weir::taskmanager
