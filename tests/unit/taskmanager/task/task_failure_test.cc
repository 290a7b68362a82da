// Operators, readers and writers that fail or throw: who is blamed, and where.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(TaskFailure, ErrorOfAnOperatorNamesIt) {
  TestingPipeline pipeline;
  pipeline.Then("first", [](const Batch&) { return absl::OkStatus(); });
  pipeline.Then("second", [](const Batch&) { return absl::DataLossError("broken"); });
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();

  EXPECT_EQ(RunUntilBlocked(*task).kind, StepResult::Kind::kDone);

  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].operator_uid, "second");
  EXPECT_EQ(pipeline.observer.failures[0].status.code(), absl::StatusCode::kDataLoss);
}

TEST(TaskFailure, ExceptionIsCaughtWithItsMessageAndPosition) {
  TestingPipeline pipeline;
  pipeline.Then("parse", [](const Batch&) -> absl::Status { throw std::runtime_error("no date"); });
  pipeline.reader->items.push_back({MakeBatch({1, 2, 3}, {}, 17), 0});
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].ToString(),
            "operator 'parse' failed at topic numbers, partition 0, offset 17 to offset 19: "
            "a user function threw: no date");
}

TEST(TaskFailure, ExceptionOfAnotherTypeIsCaught) {
  TestingPipeline pipeline;
  pipeline.Then("parse", [](const Batch&) -> absl::Status { throw 42; });
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].operator_name, "parse");
}

/// Ignores what the operators behind it return.
class CarelessOperator final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    (void)out.Emit(batch);
    return absl::OkStatus();
  }
};

TEST(TaskFailure, SwallowedErrorStillFailsTheTask) {
  TestingPipeline pipeline;
  pipeline.Then("careless",
                []() -> std::unique_ptr<Operator> { return std::make_unique<CarelessOperator>(); });
  pipeline.writer->write_error = absl::UnavailableError("queue gone");
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();

  EXPECT_EQ(RunUntilBlocked(*task).kind, StepResult::Kind::kDone);
  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].operator_name, "sink");
}

TEST(TaskFailure, ReaderErrorNamesTheSource) {
  TestingPipeline pipeline;
  pipeline.reader->poll_error = absl::NotFoundError("topic gone");
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].operator_name, "source");
}

TEST(TaskFailure, NothingIsWrittenAfterAFailure) {
  TestingPipeline pipeline;
  pipeline.Then("second batch fails", [count = 0](const Batch&) mutable {
    return ++count == 2 ? absl::InternalError("boom") : absl::OkStatus();
  });
  pipeline.reader->Add({1});
  pipeline.reader->Add({2});
  pipeline.reader->Add({3});
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);
  RunUntilBlocked(*task);

  EXPECT_THAT(pipeline.writer->written, ElementsAre(1));
  EXPECT_TRUE(pipeline.writer->destroyed);
  EXPECT_THAT(pipeline.observer.failures, SizeIs(1));
}

/// Throws for the row whose time is 13, and when it is asked.
class ThrowingGenerator final : public BatchWatermarkGenerator {
 public:
  std::optional<EventTime> OnBatch(const Batch& batch) override {
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      ThisThreadsCall().SetRow(row);
      if (batch.event_times()[row] == 13) throw std::runtime_error("thirteen");
    }
    ThisThreadsCall().ClearRow();
    return std::nullopt;
  }
  std::optional<EventTime> OnPeriodicEmit() override { throw std::runtime_error("asked"); }
};

std::shared_ptr<WatermarkStrategySpec> ThrowingStrategy() {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->make_generator = [] { return std::make_unique<ThrowingGenerator>(); };
  spec->periodic = true;
  return spec;
}

TEST(TaskFailure, WatermarkGeneratorThatThrowsNamesSourceAndPosition) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(ThrowingStrategy());
  pipeline.reader->items.push_back({MakeBatch({1, 2, 3}, {12, 13, 14}, 40), 0});
  const auto task = pipeline.Build();
  while (task->RunOnce().kind == StepResult::Kind::kProgress) {
  }
  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].ToString(),
            "operator 'source' failed at topic numbers, partition 0, offset 41: a user function "
            "threw: thirteen");
}

TEST(TaskFailure, WatermarkGeneratorThatThrowsWhenAskedNamesTheSource) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(ThrowingStrategy());
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  pipeline.clock.Advance(absl::Seconds(1));
  EXPECT_EQ(RunUntilBlocked(*task).kind, StepResult::Kind::kDone);
  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_EQ(pipeline.observer.failures[0].ToString(),
            "operator 'source' failed: a user function threw: asked");
}

TEST(TaskFailure, TimestampAssignerWithTheWrongCountIsNamed) {
  TestingPipeline pipeline;
  const auto strategy = HighestTimeStrategy();
  strategy->assign_timestamps = [](const Batch&) { return std::vector<int64_t>(); };
  pipeline.WithWatermarks(strategy);
  pipeline.reader->Add({1});
  const auto task = pipeline.Build();

  RunUntilBlocked(*task);

  ASSERT_THAT(pipeline.observer.failures, SizeIs(1));
  EXPECT_THAT(pipeline.observer.failures[0].ToString(), HasSubstr("operator 'source' failed"));
}

}  // namespace
}  // namespace weir::taskmanager
