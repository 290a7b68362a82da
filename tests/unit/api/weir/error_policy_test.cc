#include "weir/error_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "common/graph/planner.h"
#include "common/operator/dead_letter.h"
#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/environment.h"
#include "weir/kafka_dead_letters.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

/// Takes note of rows, up to a number; the next one fails.
class TestingRecordErrors final : public RecordErrors {
 public:
  absl::Status OnFailedRecord(const FailedRecord&) override {
    return absl::InternalError("operators have rows");
  }
  absl::Status OnFailedRow(const Batch&, size_t row, const std::string& reason) override {
    if (rows.size() == patience) return absl::UnknownError(reason);
    rows.emplace_back(row, reason);
    return absl::OkStatus();
  }

  size_t patience = 1000;
  std::vector<std::pair<size_t, std::string>> rows;
};

class RecordingOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    const RecordReader<int64_t> reader(*batch);
    for (size_t row = 0; row < reader.rows(); ++row) {
      values.push_back(reader.View(row));
      offsets.push_back(batch->provenance()->OffsetOf(row));
      times.push_back(batch->event_times()[row]);
    }
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }

  std::vector<int64_t> values;
  std::vector<int64_t> offsets;
  std::vector<int64_t> times;
};

/// 0, 1, ... at offsets 100, 101, ..., at times 0, 10, ...
BatchPtr Numbers(int64_t count) {
  RecordBuilder<int64_t> builder;
  std::vector<int64_t> times;
  for (int64_t number = 0; number < count; ++number) {
    builder.Append(number);
    times.push_back(number * 10);
  }
  auto provenance = std::make_shared<Provenance>();
  provenance->topic = "numbers";
  provenance->first_offset = 100;
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::move(times));
  extras.provenance = provenance;
  return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
}

int64_t RefuseOdd(int64_t number) {
  if (number % 2 == 1) throw std::invalid_argument("odd");
  return number;
}

class FunctionsThatThrow : public testing::Test {
 protected:
  template <class Add>
  absl::Status Process(const Add& add, const BatchPtr& batch) {
    Environment env("job");
    add(env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "numbers"));
    op_ = env.Graph().nodes.back().make_operator();
    OperatorContext context;
    context.errors = &errors_;
    EXPECT_TRUE(op_->Open(context).ok());
    return op_->ProcessBatch(batch, out_);
  }

  TestingRecordErrors errors_;
  RecordingOutput out_;
  std::unique_ptr<Operator> op_;
};

TEST_F(FunctionsThatThrow, MapLeavesOutTheirRowsAndKeepsTheOthers) {
  const auto add = [](const DataStream<int64_t>& numbers) {
    numbers.Map([](int64_t number) { return RefuseOdd(number) * 1000; });
  };
  ASSERT_TRUE(Process(add, Numbers(6)).ok());
  EXPECT_THAT(out_.values, ElementsAre(0, 2000, 4000));
  EXPECT_THAT(out_.offsets, ElementsAre(100, 102, 104));
  EXPECT_THAT(out_.times, ElementsAre(0, 20, 40));
  EXPECT_THAT(errors_.rows, ElementsAre(Pair(1, "odd"), Pair(3, "odd"), Pair(5, "odd")));
  EXPECT_TRUE(op_->one_to_one());
}

TEST_F(FunctionsThatThrow, MapOfNothingButBadRowsEmitsNothing) {
  const auto add = [](const DataStream<int64_t>& numbers) {
    numbers.Map([](int64_t number) { return RefuseOdd(2 * number + 1); });
  };
  ASSERT_TRUE(Process(add, Numbers(3)).ok());
  EXPECT_THAT(out_.values, IsEmpty());
  EXPECT_EQ(errors_.rows.size(), 3u);
}

TEST_F(FunctionsThatThrow, FilterLeavesOutTheirRowsAndCountsWhatItFiltered) {
  const auto add = [](const DataStream<int64_t>& numbers) {
    numbers.Filter([](int64_t number) { return RefuseOdd(number) != 2; });
  };
  ASSERT_TRUE(Process(add, Numbers(6)).ok());
  EXPECT_THAT(out_.values, ElementsAre(0, 4));
  EXPECT_EQ(op_->filtered(), 1u);
  EXPECT_EQ(errors_.rows.size(), 3u);
}

TEST_F(FunctionsThatThrow, FlatMapTakesBackWhatTheyHadCollected) {
  const auto add = [](const DataStream<int64_t>& numbers) {
    numbers.FlatMap<int64_t>([](int64_t number, Collector<int64_t>& out) {
      out.Collect(number);
      out.Collect(RefuseOdd(number) + 1000);
    });
  };
  ASSERT_TRUE(Process(add, Numbers(4)).ok());
  EXPECT_THAT(out_.values, ElementsAre(0, 1000, 2, 1002));
  EXPECT_THAT(out_.offsets, ElementsAre(100, 100, 102, 102));
}

// Half of a row's output is worse than none: what has left cannot be taken back.
TEST_F(FunctionsThatThrow, FlatMapFailsOnceSomeOfTheRowHasGoneOn) {
  const auto add = [](const DataStream<int64_t>& numbers) {
    numbers.FlatMap<int64_t>([](int64_t number, Collector<int64_t>& out) {
      for (int64_t i = 0; i < 10'000; ++i) out.Collect(i);
      RefuseOdd(number);
    });
  };
  EXPECT_THROW((void)Process(add, Numbers(2)), std::invalid_argument);
  EXPECT_THAT(errors_.rows, IsEmpty());
}

TEST_F(FunctionsThatThrow, WhatThePolicyRefusesEndsTheBatch) {
  errors_.patience = 1;
  const auto add = [](const DataStream<int64_t>& numbers) { numbers.Map(RefuseOdd); };
  EXPECT_EQ(Process(add, Numbers(6)).message(), "odd");
  EXPECT_THAT(out_.values, IsEmpty());
}

TEST(ErrorPolicy, DeadLetterSinkIsPartOfTheJobWithItsGuarantee) {
  KafkaProperties properties;
  properties.Set("bootstrap.servers", "b:1")
      .Set("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
  const auto letters = ErrorPolicy::DeadLetter(KafkaDeadLetterTopic(properties, "dead"));
  for (const DeliveryGuarantee delivery :
       {DeliveryGuarantee::kAtLeastOnce, DeliveryGuarantee::kExactlyOnce}) {
    Environment env("job");
    const auto sink = KafkaSink<int64_t>::Builder()
                          .BootstrapServers("b:1")
                          .Topic("out")
                          .Value(Json())
                          .Delivery(delivery)
                          .Build();
    env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "numbers")
        .Map(RefuseOdd)
        .Name("check")
        .OnError(letters.AtMostPerMinute(5))
        .SinkTo(sink);
    const StreamGraph graph = env.Graph();
    const StreamNode* added = graph.Find("check-dead-letters");
    ASSERT_NE(added, nullptr);
    EXPECT_TRUE(added->reads_dead_letters);
    EXPECT_EQ(added->sink->delivery(), delivery);
    const auto plan = PlanJob(graph);
    ASSERT_TRUE(plan.ok()) << plan.status();
    ASSERT_EQ(plan->vertices_size(), 1);
    const proto::JobVertex& vertex = plan->vertices(0);
    EXPECT_EQ(vertex.name(), "numbers -> check -> KafkaSink -> check dead letters");
    EXPECT_EQ(vertex.operators(1).configuration().at("on-error"), "dead-letter");
    EXPECT_EQ(vertex.operators(1).configuration().at("error-budget"), "5 per minute");
    EXPECT_EQ(vertex.operators(3).configuration().at("input"), "check (dead letters)");
    EXPECT_EQ(vertex.operators(3).configuration().at("topic"), "dead");
  }
}

TEST(ErrorPolicy, BudgetThatMakesNoSenseIsRefusedByName) {
  Environment env("job");
  env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "numbers")
      .OnError(ErrorPolicy::Skip().AtMostPerMinute(0))
      .SinkTo(TestingSinkOf<int64_t>());
  EXPECT_THAT(PlanJob(env.Graph()).status().message(),
              HasSubstr("error budget of operator 'numbers'"));
}

TEST(ErrorPolicy, DeadLettersAloneAreNoOutput) {
  Environment env("job");
  env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "numbers")
      .OnError(ErrorPolicy::DeadLetter(
          KafkaDeadLetterTopic(KafkaProperties().Set("bootstrap.servers", "b:1"), "dead")));
  EXPECT_THAT(PlanJob(env.Graph()).status().message(),
              HasSubstr("nothing reads the stream of operator 'numbers'"));
}

}  // namespace
}  // namespace weir
