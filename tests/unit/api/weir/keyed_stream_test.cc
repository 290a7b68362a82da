#include "weir/keyed_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/on_each_backend.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorTestHarness;
using testing::OutputRecord;

struct Delay {
  std::string route;
  int64_t minutes = 0;
  WEIR_RECORD(Delay, route, minutes)
};

struct Alert {
  std::string route;
  int64_t count = 0;
  WEIR_RECORD(Alert, route, count)
};

/// Three late departures in a row on a route; an hour of event time without one forgets them.
class ThreeInARow final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void Open(RuntimeContext& context) override {
    count_ = context.GetState(ValueStateDescriptor<int64_t>("count"));
    forget_ = context.GetState(ValueStateDescriptor<Timestamp>("forget"));
  }
  void ProcessElement(const Delay::View& delay, Context& context, Collector<Alert>& out) override {
    if (delay.minutes < 15) return count_.Clear();
    const int64_t count = count_.Value().value_or(0) + 1;
    count_.Update(count);
    if (count >= 3) out.Collect(Alert{context.CurrentKey(), count});
    if (forget_.Value().has_value()) context.Timers().DeleteEventTimeTimer(*forget_.Value());
    forget_.Update(*context.Timestamp() + std::chrono::hours(1));
    context.Timers().RegisterEventTimeTimer(*forget_.Value());
  }
  void OnTimer(Timestamp, Context& context, Collector<Alert>& out) override {
    out.Collect(Alert{context.CurrentKey(), 0});
    count_.Clear();
    forget_.Clear();
  }

 private:
  ValueState<int64_t> count_;
  ValueState<Timestamp> forget_;
};

DataStream<Alert> Alerts(const DataStream<Delay>& delays) {
  return delays.KeyBy(&Delay::route).Process(ThreeInARow()).Name("three in a row");
}

std::vector<std::string> Texts(const std::vector<OutputRecord<Alert>>& outputs) {
  std::vector<std::string> texts;
  for (const auto& output : outputs) {
    texts.push_back(output.record.route + " " + std::to_string(output.record.count) + " at " +
                    std::to_string(output.event_time_us.value_or(-1) / 1'000'000));
  }
  return texts;
}

/// Counts the years since 1970 of the processing time it is told.
class TellsTheYear final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void ProcessElement(const Delay::View&, Context& context, Collector<Alert>& out) override {
    const auto since = context.Timers().CurrentProcessingTime().time_since_epoch();
    out.Collect(Alert{context.CurrentKey(), since / std::chrono::hours(24 * 365)});
  }
};

constexpr int64_t kSecond = 1'000'000;

WEIR_ON_EACH_BACKEND(KeyedStreamTest);

TEST_P(KeyedStreamTest, EachKeyHasItsOwnState) {
  OperatorTestHarness harness(Alerts, Options());
  for (int64_t i = 0; i < 4; ++i) {
    harness.PushBatch({{"a", 20}, {"b", i == 1 ? 0 : 20}}, {i * kSecond, i * kSecond});
  }
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("a 3 at 2", "a 4 at 3"));
}

TEST_P(KeyedStreamTest, TimersFireWithTheWatermark) {
  OperatorTestHarness harness(Alerts, Options());
  harness.Push({"a", 20}, 10 * kSecond);
  harness.Push({"a", 20}, 20 * kSecond);
  harness.PushWatermark(3610 * kSecond);
  EXPECT_THAT(Texts(harness.Outputs()), IsEmpty()) << "the later record moved the timer";
  harness.PushWatermark(3620 * kSecond);
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("a 0 at 3620"));
}

TEST_P(KeyedStreamTest, StateAndTimersAreRestored) {
  std::string snapshot;
  {
    OperatorTestHarness harness(Alerts, Options());
    harness.Push({"a", 20}, 1 * kSecond);
    harness.Push({"a", 20}, 2 * kSecond);
    snapshot = harness.Snapshot().value_or("");
    EXPECT_EQ(harness.error(), "");
  }
  OperatorTestHarness harness(Alerts, Options());
  ASSERT_TRUE(harness.Restore(snapshot)) << harness.error();
  harness.Push({"a", 20}, 3 * kSecond);
  harness.PushWatermark(4000 * kSecond);
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("a 3 at 3", "a 0 at 3603"));
}

TEST_P(KeyedStreamTest, AFunctionIsToldTheProcessingTimeWithEachRow) {
  OperatorTestHarness harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(TellsTheYear());
      },
      Options());
  harness.Push({"a", 20}, kSecond);
  ASSERT_EQ(harness.Outputs().size(), 1u);
  EXPECT_GT(harness.Outputs().at(0).record.count, 30);
}

TEST_P(KeyedStreamTest, ReduceEmitsWhatEachRowMakesOfItsKey) {
  OperatorTestHarness<Delay, Delay> harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy([](const Delay::View& delay) { return delay.route; })
            .Reduce([](const Delay& a, const Delay& b) {
              return Delay{a.route, a.minutes + b.minutes};
            });
      },
      Options());
  harness.PushBatch({{"a", 1}, {"b", 10}, {"a", 2}, {"a", 3}});
  std::vector<int64_t> minutes;
  for (const auto& output : harness.Outputs()) minutes.push_back(output.record.minutes);
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(minutes, ElementsAre(1, 10, 3, 6));
}

class Largest final : public AggregateFunction<Delay, int64_t, int64_t> {
 public:
  void Add(const Delay& delay, int64_t& largest) const override {
    largest = std::max(largest, delay.minutes);
  }
  int64_t GetResult(const int64_t& largest) const override { return largest; }
};

TEST_P(KeyedStreamTest, AggregateEmitsTheResultSoFar) {
  OperatorTestHarness<Delay, int64_t> harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Aggregate(Largest());
      },
      Options());
  harness.PushBatch({{"a", 3}, {"b", 1}, {"a", 2}, {"a", 5}});
  std::vector<int64_t> largest;
  for (const auto& output : harness.Outputs()) largest.push_back(output.record);
  EXPECT_THAT(largest, ElementsAre(3, 1, 3, 5));
}

/// A timer for each row; says what the watermark is for its key.
class Echo final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void ProcessElement(const Delay::View&, Context& context, Collector<Alert>& out) override {
    context.Timers().RegisterEventTimeTimer(*context.Timestamp());
    const auto watermark = context.Timers().CurrentWatermark();
    if (!watermark.has_value()) return;
    out.Collect(Alert{"watermark", watermark->time_since_epoch().count()});
  }
  void OnTimer(Timestamp, Context& context, Collector<Alert>& out) override {
    out.Collect(Alert{context.CurrentKey(), 0});
  }
};

DataStream<Alert> Echoes(const DataStream<Delay>& delays) {
  return delays.KeyBy(&Delay::route).Process(Echo()).Name("echo");
}

TEST_P(KeyedStreamTest, TimersFireInSlicesAndABarrierComesBetween) {
  constexpr int64_t kKeys = 2000;
  std::vector<Delay> delays;
  for (int64_t key = 0; key < kKeys; ++key) delays.push_back({std::to_string(key), 0});
  OperatorTestHarness before(Echoes, Options());
  before.PushBatch(delays, std::vector<int64_t>(kKeys, 5));
  before.HoldOutput(true);
  before.PushWatermark(5);
  before.PassOutput();
  const std::string snapshot = before.Snapshot().value_or("");
  before.PassOutput();
  const size_t fired = before.TakeOutputs().size();
  EXPECT_GT(fired, 0u);
  EXPECT_LT(fired, static_cast<size_t>(kKeys));
  EXPECT_THAT(before.Watermarks(), IsEmpty());

  OperatorTestHarness after(Echoes, Options());
  ASSERT_TRUE(after.Restore(snapshot)) << after.error();
  EXPECT_EQ(fired + after.TakeOutputs().size(), static_cast<size_t>(kKeys));
  EXPECT_THAT(after.Watermarks(), IsEmpty()) << "sources send it again";
  after.Push({"new", 0}, 3);
  EXPECT_THAT(Texts(after.TakeOutputs()), ElementsAre("watermark 5 at 0"))
      << "how far the key has come is restored";
}

TEST_P(KeyedStreamTest, ManyTimersFireWithOneWatermarkBehindThem) {
  OperatorTestHarness harness(Echoes, Options());
  for (int64_t key = 0; key < 2000; ++key) harness.Push({std::to_string(key), 0}, 5);
  harness.PushWatermark(5);
  EXPECT_EQ(harness.Outputs().size(), 2000u);
  EXPECT_THAT(harness.Watermarks(), ElementsAre(5));
  harness.Finish();
  EXPECT_EQ(harness.error(), "");
}

class Clocked final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void ProcessElement(const Delay::View&, Context& context, Collector<Alert>& out) override {
    const Timestamp now = context.Timers().CurrentProcessingTime();
    out.Collect(Alert{"now", now.time_since_epoch().count()});
    context.Timers().RegisterProcessingTimeTimer(now + std::chrono::microseconds(10));
  }
  void OnTimer(Timestamp time, Context&, Collector<Alert>& out) override {
    out.Collect(Alert{"timer", time.time_since_epoch().count()});
  }
};

TEST_P(KeyedStreamTest, ProcessingTimeIsTheClocks) {
  OperatorTestHarness<Delay, Alert> harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(Clocked());
      },
      Options());
  harness.SetProcessingTime(1000);
  harness.Push({"a", 0});
  harness.SetProcessingTime(1009);
  EXPECT_EQ(harness.Outputs().size(), 1u);
  EXPECT_EQ(harness.Outputs().at(0).record.count, 1000);
  harness.SetProcessingTime(1010);
  ASSERT_EQ(harness.Outputs().size(), 2u);
  EXPECT_EQ(harness.Outputs().at(1).record.count, 1010);
  // The wall clock is no event time.
  EXPECT_FALSE(harness.Outputs().at(1).event_time_us.has_value());
}

class TextOfKey final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void Open(RuntimeContext& context) override {
    text_ = context.GetState(ValueStateDescriptor<std::string>("sum"));
  }
  void ProcessElement(const Delay::View&, Context&, Collector<Alert>&) override {
    text_.Update("text");
  }

 private:
  ValueState<std::string> text_;
};

/// Asks for its states when they are needed first.
class AsksLate final : public KeyedProcessFunction<std::string, Delay, Alert> {
 public:
  void Open(RuntimeContext& context) override {
    context_ = &context;
    count_ = context.GetState(ValueStateDescriptor<int64_t>("count"));
  }
  void ProcessElement(const Delay::View& delay, Context& context, Collector<Alert>& out) override {
    count_.Update(count_.Value().value_or(0) + 1);
    if (delay.minutes == 7) {
      auto texts = context_->GetState(ValueStateDescriptor<std::string>("count"));
      texts.Update(texts.Value().value_or("none") + "!");
      auto list = context_->GetListState(ListStateDescriptor<int64_t>("count"));
      list.Add(1);
      auto map = context_->GetMapState(MapStateDescriptor<int64_t, int64_t>("count"));
      map.Put(1, 2);
      map.ForEach([](int64_t, int64_t) {});
    }
    auto sum = context_->GetState(ValueStateDescriptor<int64_t>("sum"));
    sum.Update(sum.Value().value_or(0) + delay.minutes);
    out.Collect(Alert{context.CurrentKey(), *sum.Value()});
  }

 private:
  RuntimeContext* context_ = nullptr;
  ValueState<int64_t> count_;
};

TEST_P(KeyedStreamTest, TheContextOfOpenIsGoodForLater) {
  OperatorTestHarness<Delay, Alert> harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(AsksLate());
      },
      Options());
  harness.PushBatch({{"a", 1}, {"b", 2}, {"a", 3}}, {0, 0, 0});
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(Texts(harness.Outputs()), ElementsAre("a 1 at 0", "b 2 at 0", "a 4 at 0"));
}

TEST_P(KeyedStreamTest, AStateThatCannotBeHadFailsTheTaskAlsoBehindOpen) {
  OperatorTestHarness<Delay, Alert> harness(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(AsksLate()).Name("asks");
      },
      Options());
  EXPECT_FALSE(harness.PushBatch({{"a", 1}, {"b", 7}, {"a", 3}}, {0, 0, 0}));
  EXPECT_THAT(harness.error(),
              HasSubstr("state 'count' is asked for twice, with different types or TTLs"));
  EXPECT_THAT(harness.Outputs(), IsEmpty()) << "nothing that was made without it goes on";
}

TEST_P(KeyedStreamTest, AStateThatCannotBeRestoredFailsTheTaskAlsoBehindOpen) {
  OperatorTestHarness before(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(TextOfKey()).Name("same");
      },
      Options());
  before.Push({"a", 1}, 0);
  OperatorTestHarness after(
      [](const DataStream<Delay>& delays) {
        return delays.KeyBy(&Delay::route).Process(AsksLate()).Name("same");
      },
      Options());
  ASSERT_TRUE(after.Restore(before.Snapshot().value_or(""))) << after.error();
  EXPECT_FALSE(after.Push({"a", 1}, 0));
  EXPECT_THAT(after.error(), HasSubstr("state 'sum' cannot be restored"));
  EXPECT_THAT(after.Outputs(), IsEmpty());
}

struct Measure {
  double at = 0;
  int64_t count = 0;
  WEIR_RECORD(Measure, at, count)
};

std::vector<int64_t> Counts(const std::vector<OutputRecord<Measure>>& outputs) {
  std::vector<int64_t> counts;
  for (const auto& output : outputs) counts.push_back(output.record.count);
  return counts;
}

Measure Add(const Measure& a, const Measure& b) { return {b.at, a.count + b.count}; }

TEST_P(KeyedStreamTest, ZerosAreOneKeyAndSoAreNaNs) {
  const auto sums = [](const DataStream<Measure>& measures) {
    return measures.KeyBy(&Measure::at).Reduce(Add).Name("sums");
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  OperatorTestHarness<Measure, Measure> before(sums, Options());
  before.PushBatch({{0.0, 1}, {-0.0, 2}, {nan, 10}, {-nan, 20}, {0.1, 100}});
  EXPECT_EQ(before.error(), "");
  EXPECT_THAT(Counts(before.Outputs()), ElementsAre(1, 3, 10, 30, 100));
  OperatorTestHarness<Measure, Measure> after(sums, Options());
  ASSERT_TRUE(after.Restore(before.Snapshot().value_or(""))) << after.error();
  after.PushBatch({{-0.0, 4}, {std::nan("7"), 40}, {0.1, 200}});
  EXPECT_THAT(Counts(after.Outputs()), ElementsAre(7, 70, 300));
}

TEST_P(KeyedStreamTest, ATupleIsAKey) {
  OperatorTestHarness<Measure, Measure> harness(
      [](const DataStream<Measure>& measures) {
        return measures
            .KeyBy([](const Measure::View& measure) {
              return std::tuple(measure.at, std::string("a"), measure.count % 2 == 0);
            })
            .Reduce(Add)
            .Name("sums");
      },
      Options());
  harness.PushBatch({{0.5, 1}, {0.5, 2}, {0.5, 3}, {0.6, 5}});
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(Counts(harness.Outputs()), ElementsAre(1, 2, 4, 5));
}

TEST_P(KeyedStreamTest, TheKeyIsPartOfThePlan) {
  Environment env("job");
  Alerts(env.FromSource(TestingSourceOf<Delay>(), WatermarkStrategy::Monotonic(), "in"));
  const StreamGraph graph = env.Graph();
  const StreamInput& input = graph.nodes.at(1).inputs.at(0);
  EXPECT_EQ(input.exchange, Exchange::kHash);
  EXPECT_EQ(input.key->Describe(), "route");
  EXPECT_EQ(input.key->KeyType(), "string");
}

}  // namespace
}  // namespace weir
