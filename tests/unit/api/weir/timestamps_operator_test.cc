// Event times and watermarks that are assigned in mid-stream.
#include "weir/timestamps_operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/settable_clock.h"
#include "weir/environment.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorTestHarness;

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

struct Reading {
  int64_t at = 0;
  int64_t value = 0;
  WEIR_RECORD(Reading, at, value)
};
using Harness = OperatorTestHarness<Reading, Reading>;

WatermarkStrategy ByField() {
  return WatermarkStrategy::Monotonic().WithTimestampAssigner(&Reading::at);
}

Harness Assigned(const WatermarkStrategy& strategy) {
  return Harness([strategy](const DataStream<Reading>& readings) {
    return readings.AssignTimestampsAndWatermarks(strategy).Name("assigned");
  });
}

TEST(AssignTimestampsAndWatermarks, RowsHaveTheTimesOfTheAssigner) {
  Harness harness = Assigned(ByField());
  harness.PushBatch({{70, 1}, {50, 2}}, {1, 2}, {{"readings", 3, 17}});
  ASSERT_EQ(harness.error(), "");
  EXPECT_EQ(harness.Outputs().at(0).event_time_us, 70);
  EXPECT_EQ(harness.Outputs().at(1).event_time_us, 50);
  EXPECT_EQ(harness.Outputs().at(1).position->offset, 18) << "positions go with the rows";
  EXPECT_THAT(harness.Watermarks(), ElementsAre(69));
}

TEST(AssignTimestampsAndWatermarks, WatermarksOfTheInputEndHere) {
  Harness harness = Assigned(ByField());
  harness.Push({70, 1});
  harness.PushWatermark(500);
  EXPECT_THAT(harness.Watermarks(), ElementsAre(69));
  harness.Push({60, 1});
  harness.Push({80, 1});
  EXPECT_THAT(harness.Watermarks(), ElementsAre(69, 79)) << "never back";
  harness.Finish();
  EXPECT_THAT(harness.Watermarks(), ElementsAre(69, 79, kEnd)) << "but for the last one";
  EXPECT_EQ(harness.error(), "");
}

TEST(AssignTimestampsAndWatermarks, WithoutWatermarksThereAreNone) {
  Harness harness = Assigned(WatermarkStrategy::NoWatermarks().WithTimestampAssigner(&Reading::at));
  harness.Push({70, 1});
  harness.PushWatermark(500);
  EXPECT_EQ(harness.Outputs().at(0).event_time_us, 70);
  EXPECT_THAT(harness.Watermarks(), IsEmpty());
}

TEST(AssignTimestampsAndWatermarks, WatermarkIsRestoredAndSentOnceMore) {
  Harness before = Assigned(ByField());
  before.Push({70, 1});
  const auto snapshot = before.Snapshot();
  ASSERT_TRUE(snapshot.has_value()) << before.error();
  Harness after = Assigned(ByField());
  ASSERT_TRUE(after.Restore(*snapshot)) << after.error();
  EXPECT_THAT(after.Watermarks(), ElementsAre(69)) << "before any row";
  after.Push({40, 1});
  EXPECT_THAT(after.Watermarks(), ElementsAre(69));
  after.Push({90, 1});
  EXPECT_THAT(after.Watermarks(), ElementsAre(69, 89));
}

TEST(AssignTimestampsAndWatermarks, StateThatIsNoNumberIsRefused) {
  TimestampsAndWatermarksOperator one(ByField().spec());
  EXPECT_EQ(one.RestoreState("seventy").message(),
            "the state of assigned watermarks is no number: seventy");
}

TEST(AssignTimestampsAndWatermarks, WindowsGoByThem) {
  Harness harness([](const DataStream<Reading>& readings) {
    return readings.AssignTimestampsAndWatermarks(ByField())
        .KeyBy([](const Reading::View&) { return int64_t{0}; })
        .Window(Tumbling(10us))
        .Sum(&Reading::value);
  });
  harness.Push({1, 1}, 1000);
  harness.Push({9, 2}, 1000);
  harness.Push({25, 4}, 1000);
  ASSERT_EQ(harness.error(), "");
  ASSERT_EQ(harness.Outputs().size(), 1u);
  EXPECT_EQ(harness.Outputs()[0].record.value, 3);
  EXPECT_EQ(harness.Outputs()[0].event_time_us, 9);
}

/// Emits by time alone, ten more in each turn; throws for values below zero.
class Counting final : public WatermarkGenerator<Reading> {
 public:
  void OnEvent(const Reading::View& reading, Timestamp, WatermarkOutput&) override {
    if (reading.value < 0) throw std::runtime_error("below zero");
  }
  void OnPeriodicEmit(WatermarkOutput& output) override {
    output.EmitWatermark(Timestamp(microseconds(next_ += 10)));
  }

 private:
  using microseconds = std::chrono::microseconds;
  int64_t next_ = 0;
};

WatermarkStrategy Counted() {
  return WatermarkStrategy::ForGenerator([] { return std::make_unique<Counting>(); });
}

TEST(AssignTimestampsAndWatermarks, PeriodicGeneratorIsAskedWithoutRows) {
  Harness harness = Assigned(Counted());
  harness.SetProcessingTime(1'000'000);
  harness.PushIdle(false);  // it runs from here on
  harness.SetProcessingTime(1'199'000);
  EXPECT_THAT(harness.Watermarks(), IsEmpty());
  harness.SetProcessingTime(1'200'000);
  EXPECT_THAT(harness.Watermarks(), ElementsAre(10));
  harness.SetProcessingTime(1'300'000);
  harness.SetProcessingTime(1'400'000);
  EXPECT_THAT(harness.Watermarks(), ElementsAre(10, 20));
  EXPECT_EQ(harness.error(), "");
}

TEST(AssignTimestampsAndWatermarks, GeneratorThatThrowsFailsByName) {
  Harness harness = Assigned(Counted());
  EXPECT_FALSE(harness.PushBatch({{1, 1}, {2, -1}, {3, 1}}, {1, 2, 3}, {{"readings", 3, 17}}));
  EXPECT_EQ(harness.error(),
            "operator 'assigned' failed at topic readings, partition 3, offset 18: a user function "
            "threw: below zero");
}

TEST(AssignTimestampsAndWatermarks, AssignerThatThrowsFailsByName) {
  Harness harness = Assigned(
      WatermarkStrategy::Monotonic().WithTimestampAssigner([](const Reading::View& reading) {
        if (reading.at < 0) throw std::runtime_error("before 1970");
        return reading.at;
      }));
  EXPECT_FALSE(harness.PushBatch({{1, 1}, {-2, 1}}, {1, 2}, {{"readings", 3, 17}}));
  EXPECT_EQ(harness.error(),
            "operator 'assigned' failed at topic readings, partition 3, offset 18: a user function "
            "threw: before 1970");
}

/// What comes out of the operator alone, in words.
class TextOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    texts.push_back(absl::StrCat(batch->num_rows(), " rows"));
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime watermark) override {
    texts.push_back(absl::StrCat("watermark ", watermark.micros()));
    return absl::OkStatus();
  }
  absl::Status EmitStatus(bool idle) override {
    texts.push_back(idle ? "idle" : "active");
    return absl::OkStatus();
  }
  std::vector<std::string> Take() { return std::exchange(texts, {}); }

  std::vector<std::string> texts;
};

/// The operator as its task would step it.
class SteppedOperator {
 public:
  explicit SteppedOperator(const WatermarkStrategy& strategy) : SteppedOperator(strategy, "") {
    Step();
  }
  SteppedOperator(const WatermarkStrategy& strategy, const std::string& restored)
      : operator_(strategy.spec()) {
    OperatorContext context;
    context.clock = &clock_;
    context.activity = &activity_;
    EXPECT_TRUE(operator_.Open(context).ok());
    if (!restored.empty()) {
      EXPECT_TRUE(operator_.RestoreState(restored).ok());
    }
  }
  /// Timers come before rows.
  std::vector<std::string> Step(std::optional<Reading> row = std::nullopt) {
    activity_.Advance(clock_);
    const auto next = operator_.NextProcessingTime();
    const int64_t now = absl::ToUnixMicros(clock_.Now());
    if (next.has_value() && *next <= now) {
      EXPECT_TRUE(operator_.OnProcessingTime(now, output_).ok());
    }
    if (row.has_value()) {
      RecordBuilder<Reading> builder;
      builder.Append(*row);
      const auto batch = std::make_shared<const Batch>(builder.Finish());
      EXPECT_TRUE(operator_.ProcessBatch(batch, output_).ok());
    }
    return output_.Take();
  }
  std::vector<std::string> StepAfter(absl::Duration passed, std::optional<Reading> row = {}) {
    clock_.Advance(passed);
    return Step(row);
  }
  bool WantsToRunNow() {
    const auto next = operator_.NextProcessingTime();
    return next.has_value() && *next <= absl::ToUnixMicros(clock_.Now());
  }
  void SetBlocked(bool blocked) { activity_.SetBlocked(blocked); }
  TimestampsAndWatermarksOperator& op() { return operator_; }
  TextOutput& output() { return output_; }

 private:
  SettableClock clock_;
  ActivityClock activity_;
  TimestampsAndWatermarksOperator operator_;
  TextOutput output_;
};

TEST(AssignedIdleness, InputWithoutRowsIsIdleUntilTheNext) {
  SteppedOperator stepped(ByField().WithIdleness(10s));
  EXPECT_THAT(stepped.Step(Reading{70, 1}), ElementsAre("1 rows", "watermark 69"));
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(9)), IsEmpty());
  EXPECT_FALSE(stepped.WantsToRunNow());
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(1)), IsEmpty());
  EXPECT_TRUE(stepped.WantsToRunNow()) << "when it has looked for rows once more";
  EXPECT_THAT(stepped.Step(), ElementsAre("idle"));
  EXPECT_FALSE(stepped.WantsToRunNow());
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(60)), IsEmpty()) << "said once";
  EXPECT_THAT(stepped.Step(Reading{80, 1}), ElementsAre("1 rows", "active", "watermark 79"));
}

TEST(AssignedIdleness, RowsThatHaveWaitedComeFirst) {
  SteppedOperator stepped(ByField().WithIdleness(10s));
  stepped.Step(Reading{70, 1});
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(60), Reading{80, 1}),
              ElementsAre("1 rows", "watermark 79"));
  EXPECT_THAT(stepped.Step(), IsEmpty());
}

TEST(AssignedIdleness, BackpressureDoesNotCount) {
  SteppedOperator stepped(ByField().WithIdleness(10s));
  stepped.Step(Reading{70, 1});
  stepped.SetBlocked(true);
  stepped.StepAfter(absl::Seconds(60));
  stepped.SetBlocked(false);
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(9)), IsEmpty());
  EXPECT_FALSE(stepped.WantsToRunNow());
}

TEST(AssignedIdleness, IsRestoredUntilTheNextRow) {
  SteppedOperator before(ByField().WithIdleness(10s));
  before.Step(Reading{70, 1});
  before.StepAfter(absl::Seconds(10));
  ASSERT_THAT(before.Step(), ElementsAre("idle"));
  const std::string state = *before.op().SnapshotState();
  SteppedOperator after(ByField().WithIdleness(10s), state);
  EXPECT_TRUE(after.WantsToRunNow());
  EXPECT_THAT(after.Step(), ElementsAre("watermark 69", "idle"));
  EXPECT_FALSE(after.WantsToRunNow());
  EXPECT_EQ(*after.op().SnapshotState(), state);
  EXPECT_THAT(after.Step(Reading{80, 1}), ElementsAre("1 rows", "active", "watermark 79"));
  EXPECT_EQ(*after.op().SnapshotState(), "79");

  SteppedOperator never(ByField(), state);
  EXPECT_THAT(never.Step(), ElementsAre("watermark 69")) << "where nothing turns idle";
}

TEST(AssignedIdleness, InputThatHasNeverGivenRowsIsRestoredAsIdle) {
  SteppedOperator before(ByField().WithIdleness(10s));
  before.StepAfter(absl::Seconds(10));
  ASSERT_THAT(before.Step(), ElementsAre("idle"));
  SteppedOperator after(ByField().WithIdleness(10s), *before.op().SnapshotState());
  EXPECT_THAT(after.Step(), ElementsAre("idle"));
}

TEST(AssignedIdleness, InputThatIsOverIsNotIdle) {
  SteppedOperator stepped(ByField().WithIdleness(10s));
  stepped.Step(Reading{70, 1});
  stepped.StepAfter(absl::Seconds(10));
  ASSERT_THAT(stepped.Step(), ElementsAre("idle"));
  EXPECT_TRUE(stepped.op().ProcessWatermark(EventTime::Max(), stepped.output()).ok());
  const std::string last = absl::StrCat("watermark ", EventTime::Max().micros());
  EXPECT_THAT(stepped.output().Take(), ElementsAre("active", last));
  EXPECT_THAT(stepped.StepAfter(absl::Seconds(60)), IsEmpty());
  EXPECT_FALSE(stepped.WantsToRunNow());
  SteppedOperator after(ByField().WithIdleness(10s), *stepped.op().SnapshotState());
  EXPECT_THAT(after.Step(), ElementsAre(last));
  EXPECT_FALSE(after.WantsToRunNow());
}

TEST(AssignedIdleness, StateThatIsNoneIsRefused) {
  for (const char* state : {"x", "7 busy", "7 idle idle", "idle"}) {
    TimestampsAndWatermarksOperator op(ByField().spec());
    EXPECT_EQ(op.RestoreState(state).code(), absl::StatusCode::kDataLoss) << state;
  }
}

TEST(AssignedIdleness, StatusOfTheInputEndsHere) {
  SteppedOperator stepped(ByField());
  EXPECT_TRUE(stepped.op().ProcessStatus(true, stepped.output()).ok());
  EXPECT_THAT(stepped.output().Take(), IsEmpty());
}

TEST(AssignedIdleness, GeneratorSaysSo) {
  class Idler final : public WatermarkGenerator<Reading> {
   public:
    void OnEvent(const Reading::View& reading, Timestamp, WatermarkOutput& output) override {
      if (reading.value == 0) return output.MarkIdle();
      output.EmitWatermark(Timestamp(std::chrono::microseconds(reading.at)));
      if (reading.value == 2) output.MarkIdle();
    }
  };
  SteppedOperator stepped(
      WatermarkStrategy::ForGenerator([] { return std::make_unique<Idler>(); }));
  EXPECT_THAT(stepped.Step(Reading{7, 0}), ElementsAre("1 rows", "idle"));
  EXPECT_THAT(stepped.Step(Reading{8, 0}), ElementsAre("1 rows"));
  EXPECT_THAT(stepped.Step(Reading{9, 1}), ElementsAre("1 rows", "active", "watermark 9"));
  EXPECT_THAT(stepped.Step(Reading{10, 2}), ElementsAre("1 rows", "watermark 10", "idle"))
      << "a channel that gets a watermark counts as active";
}

}  // namespace
}  // namespace weir
