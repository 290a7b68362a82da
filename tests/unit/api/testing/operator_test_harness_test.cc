#include "weir/testing/operator_test_harness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/operator/operator.h"
#include "proto/checkpoint.pb.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/kafka_dead_letters.h"
#include "weir/keyed_process_function.h"
#include "weir/keyed_stream.h"

namespace weir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::HarnessOptions;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorTestHarness;
using testing::OutputRecord;
using ::testing::SizeIs;
using testing::StateBackend;

struct Reading {
  std::string sensor;
  int64_t value = 0;
  WEIR_RECORD(Reading, sensor, value)
};

struct Alarm {
  std::string text;
  WEIR_RECORD(Alarm, text)
};

DataStream<Alarm> Alarms(const DataStream<Reading>& readings) {
  return readings.Filter([](const Reading::View& reading) { return reading.value > 10; })
      .Name("high")
      .Map([](const Reading& reading) {
        if (reading.value > 1000) throw std::runtime_error("not a temperature");
        return Alarm{reading.sensor + " is at " + std::to_string(reading.value)};
      })
      .Name("alarm");
}

std::vector<std::string> Texts(const std::vector<OutputRecord<Alarm>>& outputs) {
  std::vector<std::string> texts;
  for (const OutputRecord<Alarm>& output : outputs) texts.push_back(output.record.text);
  return texts;
}

/// What runs as its own state: the sum of what it was given, passed on for each batch.
class SumOperator final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const RecordReader<int64_t> reader(*batch);
    for (size_t row = 0; row < reader.rows(); ++row) sum_ += reader.View(row);
    return Emit(out);
  }
  absl::Status Finish(Output& out) override {
    sum_ = -sum_;
    return Emit(out);
  }
  absl::StatusOr<std::string> SnapshotState() override { return std::to_string(sum_); }
  absl::Status RestoreState(const std::string& state) override {
    if (state == "7") return absl::InvalidArgumentError("seven is no sum");
    sum_ = std::stoll(state);
    return absl::OkStatus();
  }

 private:
  absl::Status Emit(Output& out) {
    RecordBuilder<int64_t> builder;
    builder.Append(sum_);
    return out.Emit(std::make_shared<const Batch>(builder.Finish()));
  }
  int64_t sum_ = 0;
};

OperatorTestHarness<int64_t, int64_t> SumHarness(const std::string& name = "sum") {
  return OperatorTestHarness<int64_t, int64_t>::Of(name,
                                                   [] { return std::make_unique<SumOperator>(); });
}

TEST(OperatorTestHarnessTest, RecordsComeOutOfTheWholePipeline) {
  OperatorTestHarness harness(Alarms);
  EXPECT_TRUE(harness.Push({"a", 5}));
  EXPECT_TRUE(harness.Push({"b", 50}));
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("b is at 50"));
  EXPECT_TRUE(harness.Push({"c", 500}));
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("b is at 50", "c is at 500"));
  EXPECT_EQ(harness.error(), "");
}

TEST(OperatorTestHarnessTest, TakenOutputsAreGone) {
  OperatorTestHarness harness(Alarms);
  harness.Push({"b", 50});
  EXPECT_THAT(harness.TakeOutputs(), SizeIs(1));
  EXPECT_THAT(harness.TakeOutputs(), IsEmpty());
}

TEST(OperatorTestHarnessTest, EventTimesAndPositionsGoWithTheRecords) {
  OperatorTestHarness harness(Alarms);
  harness.PushBatch({{"a", 5}, {"b", 50}}, {100, 200}, {{"readings", 3, 17}});
  ASSERT_THAT(harness.Outputs(), SizeIs(1));
  const OutputRecord<Alarm>& output = harness.Outputs()[0];
  EXPECT_EQ(output.event_time_us, 200);
  ASSERT_TRUE(output.position.has_value());
  EXPECT_EQ(output.position->topic, "readings");
  EXPECT_EQ(output.position->partition, 3);
  EXPECT_EQ(output.position->offset, 18);
}

TEST(OperatorTestHarnessTest, RecordWithoutTimeAndPositionComesOutWithout) {
  OperatorTestHarness harness(Alarms);
  harness.Push({"b", 50});
  EXPECT_EQ(harness.Outputs().at(0).event_time_us, std::nullopt);
  EXPECT_FALSE(harness.Outputs().at(0).position.has_value());
}

TEST(OperatorTestHarnessTest, EventTimesAreForAllRecordsOrNone) {
  OperatorTestHarness harness(Alarms);
  EXPECT_FALSE(harness.PushBatch({{"a", 50}, {"b", 50}}, {100}));
  EXPECT_THAT(harness.error(), HasSubstr("for all of its records or for none"));
}

TEST(OperatorTestHarnessTest, FunctionThatThrowsIsNamedWithItsRecord) {
  OperatorTestHarness harness(Alarms);
  EXPECT_TRUE(harness.Push({"a", 50}, 0, {"readings", 2, 6}));
  EXPECT_FALSE(harness.Push({"a", 5000}, 0, {"readings", 2, 7}));
  EXPECT_THAT(harness.error(), AllOf(HasSubstr("operator 'alarm'"),
                                     HasSubstr("topic readings, partition 2, offset 7"),
                                     HasSubstr("a user function threw: not a temperature")));
  ASSERT_TRUE(harness.failure().has_value());
  EXPECT_EQ(harness.failure()->operator_uid, "alarm");
  EXPECT_EQ(harness.failure()->position, "topic readings, partition 2, offset 7");

  // What came out before stays, nothing follows.
  EXPECT_FALSE(harness.Push({"a", 60}));
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("a is at 50"));
  EXPECT_EQ(harness.Snapshot(), std::nullopt);
}

TEST(OperatorTestHarnessTest, WatermarksPassThrough) {
  OperatorTestHarness harness(Alarms);
  EXPECT_TRUE(harness.PushWatermark(100));
  EXPECT_TRUE(harness.Finish());
  EXPECT_THAT(harness.Watermarks(), ElementsAre(100, std::numeric_limits<int64_t>::max()));
  EXPECT_FALSE(harness.Push({"a", 5}));
  EXPECT_THAT(harness.error(), HasSubstr("the input is over"));
}

TEST(OperatorTestHarnessTest, CutsOfTheChainAreQueues) {
  OperatorTestHarness harness([](const DataStream<Reading>& readings) {
    return Alarms(readings).StartNewChain().Filter([](const Alarm&) { return true; });
  });
  harness.Push({"b", 50}, 7);
  harness.PushWatermark(8);
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("b is at 50"));
  EXPECT_THAT(harness.Watermarks(), ElementsAre(8));
  EXPECT_TRUE(harness.Snapshot().has_value()) << harness.error();
}

TEST(OperatorTestHarnessTest, ParallelismOfTheJobIsNoMatter) {
  OperatorTestHarness harness([](const DataStream<Reading>& readings) {
    return readings.Filter([](const Reading&) { return true; }).SetParallelism(8);
  });
  EXPECT_TRUE(harness.Push({"a", 1})) << harness.error();
}

TEST(OperatorTestHarnessTest, WhatThePlannerFindsIsAnError) {
  OperatorTestHarness harness([](const DataStream<Reading>& readings) {
    const auto all = [](const Reading&) { return true; };
    return readings.Filter(all).Uid("same").Filter(all).Uid("same");
  });
  EXPECT_THAT(harness.error(), HasSubstr("two operators have the uid 'same'"));
  EXPECT_FALSE(harness.Push({"a", 1}));
  EXPECT_THAT(harness.Outputs(), IsEmpty());
}

TEST(OperatorTestHarnessTest, SinkInThePipelineIsRefused) {
  OperatorTestHarness harness([](const DataStream<Reading>& readings) {
    readings.SinkTo(TestingSinkOf<Reading>()).Name("raw");
    return Alarms(readings);
  });
  EXPECT_THAT(harness.error(), HasSubstr("'raw' is a sink"));
}

TEST(OperatorTestHarnessTest, PipelineWithoutAnOperatorIsRefused) {
  OperatorTestHarness harness([](const DataStream<Reading>& readings) { return readings; });
  EXPECT_THAT(harness.error(), HasSubstr("the pipeline has no operator"));
}

TEST(OperatorTestHarnessTest, StateGoesOnInANewHarness) {
  auto before = SumHarness();
  before.PushBatch({1, 2});
  const std::optional<std::string> snapshot = before.Snapshot();
  ASSERT_TRUE(snapshot.has_value()) << before.error();
  before.Push(100);  // behind the checkpoint

  auto after = SumHarness();
  ASSERT_TRUE(after.Restore(*snapshot)) << after.error();
  after.Push(4);
  EXPECT_EQ(after.Outputs().at(0).record, 7);
  after.Finish();
  EXPECT_EQ(after.Outputs().at(1).record, -7);
}

TEST(OperatorTestHarnessTest, SnapshotsFollowEachOther) {
  auto harness = SumHarness();
  harness.Push(1);
  const auto first = harness.Snapshot();
  harness.Push(1);
  const auto second = harness.Snapshot();
  EXPECT_NE(first, second);
  auto restored = SumHarness();
  ASSERT_TRUE(restored.Restore(second.value()));
  EXPECT_EQ(restored.Snapshot(), second);
}

TEST(OperatorTestHarnessTest, OperatorThatTheSnapshotDoesNotHaveIsNamed) {
  const std::string snapshot = SumHarness("sum").Snapshot().value();
  OperatorTestHarness harness(Alarms);
  EXPECT_FALSE(harness.Restore(snapshot));
  EXPECT_THAT(harness.error(), HasSubstr("the snapshot has an operator 'sum'"));
  EXPECT_FALSE(harness.Push({"a", 50}));
}

TEST(OperatorTestHarnessTest, OperatorThatOnlyThePipelineHasIsNamed) {
  const std::string snapshot =
      OperatorTestHarness([](const DataStream<Reading>& readings) {
        return readings.Filter([](const Reading&) { return true; }).Uid("high");
      })
          .Snapshot()
          .value();
  OperatorTestHarness harness(Alarms);
  EXPECT_FALSE(harness.Restore(snapshot));
  EXPECT_THAT(harness.error(), HasSubstr("the pipeline has an operator 'alarm'"));
}

TEST(OperatorTestHarnessTest, OperatorThatCannotRestoreIsNamed) {
  auto before = SumHarness();
  before.Push(7);
  auto after = SumHarness();
  EXPECT_FALSE(after.Restore(before.Snapshot().value()));
  EXPECT_THAT(after.error(), AllOf(HasSubstr("operator 'sum' failed"), HasSubstr("no sum")));
}

TEST(OperatorTestHarnessTest, SnapshotIsRestoredBeforeAnythingIsPushed) {
  auto harness = SumHarness();
  const std::string snapshot = harness.Snapshot().value();
  EXPECT_FALSE(harness.Restore(snapshot));
  EXPECT_THAT(harness.error(), HasSubstr("make a new harness"));
}

TEST(OperatorTestHarnessTest, BytesThatAreNoSnapshotAreRefused) {
  auto harness = SumHarness();
  EXPECT_FALSE(harness.Restore("hello"));
  EXPECT_THAT(harness.error(), HasSubstr("no snapshot"));
}

TEST(OperatorTestHarnessTest, DeadLettersAreKeptAndNotWritten) {
  KafkaProperties properties;
  properties.Set("bootstrap.servers", "nowhere:1");
  const auto letters = ErrorPolicy::DeadLetter(KafkaDeadLetterTopic(properties, "dead"));
  OperatorTestHarness harness([&letters](const DataStream<Reading>& readings) {
    return Alarms(readings).OnError(letters);
  });
  EXPECT_TRUE(harness.PushBatch({{"oven", 5000}, {"fridge", 50}}, {}, {{"readings", 2, 40}}));
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("fridge is at 50"));
  const std::vector<DeadLetter> taken = harness.TakeDeadLetters();
  ASSERT_THAT(taken, SizeIs(1));
  EXPECT_EQ(taken[0].operator_name, "alarm");
  EXPECT_EQ(taken[0].error, "a user function threw: not a temperature");
  EXPECT_EQ(taken[0].topic, "readings");
  EXPECT_EQ(taken[0].offset, 40);
  EXPECT_THAT(harness.TakeDeadLetters(), IsEmpty());
  EXPECT_TRUE(harness.Snapshot().has_value());
  EXPECT_EQ(harness.error(), "");
}

/// Sums by sensor, in keyed state.
OperatorTestHarness<Reading, Reading> KeyedSums(const HarnessOptions& options) {
  return OperatorTestHarness<Reading, Reading>(
      [](const DataStream<Reading>& readings) {
        return readings.KeyBy(&Reading::sensor)
            .Reduce([](const Reading& a, const Reading& b) {
              return Reading{a.sensor, a.value + b.value};
            })
            .Name("sums");
      },
      options);
}

/// More than memory holds.
std::vector<Reading> ManyReadings(int64_t value) {
  std::vector<Reading> readings;
  for (int64_t i = 0; i < 4000; ++i) readings.push_back({"sensor " + std::to_string(i), value});
  return readings;
}

int64_t SumOfOutputs(OperatorTestHarness<Reading, Reading>& harness) {
  int64_t sum = 0;
  for (const auto& output : harness.TakeOutputs()) sum += output.record.value;
  return sum;
}

TEST(OperatorTestHarnessTest, SnapshotOfStateInRocksDbHasItsFiles) {
  const HarnessOptions rocks{.backend = StateBackend::kRocksDb};
  std::string snapshot;
  {
    auto before = KeyedSums(rocks);
    for (int i = 0; i < 5; ++i) before.PushBatch(ManyReadings(1));
    snapshot = before.Snapshot().value_or("");
    EXPECT_EQ(before.error(), "");
  }
  proto::TaskSnapshot message;
  ASSERT_TRUE(message.ParseFromString(snapshot));
  EXPECT_GT(message.operators(0).files_size(), 0) << "it went through RocksDB";
  auto after = KeyedSums(rocks);
  ASSERT_TRUE(after.Restore(snapshot)) << after.error();
  after.PushBatch(ManyReadings(10));
  EXPECT_EQ(SumOfOutputs(after), 4000 * 15);

  message.mutable_operators(0)->mutable_files(0)->mutable_object()->set_inlined("damaged");
  auto damaged = KeyedSums(rocks);
  EXPECT_FALSE(damaged.Restore(message.SerializeAsString()));
  EXPECT_THAT(damaged.error(), HasSubstr("does not match its SHA-256"));
}

TEST(OperatorTestHarnessTest, StateGoesFromMemoryToRocksDbAndNotBack) {
  auto memory = KeyedSums({});
  memory.PushBatch(ManyReadings(1));
  auto rocks = KeyedSums({.backend = StateBackend::kRocksDb});
  ASSERT_TRUE(rocks.Restore(memory.Snapshot().value_or(""))) << rocks.error();
  rocks.PushBatch(ManyReadings(2));
  EXPECT_EQ(SumOfOutputs(rocks), 4000 * 3);
  auto again = KeyedSums({});
  EXPECT_FALSE(again.Restore(rocks.Snapshot().value_or("")));
  EXPECT_THAT(again.error(), AllOf(HasSubstr("sums"), HasSubstr("RocksDB")));
}

}  // namespace
}  // namespace weir
