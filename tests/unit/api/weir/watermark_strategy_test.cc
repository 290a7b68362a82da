#include "weir/watermark_strategy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

#include "common/operator/watermark_strategy.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using namespace std::chrono_literals;

struct Event {
  Timestamp time;
  int64_t micros = 0;
  WEIR_RECORD(Event, time, micros)
};

Batch Events(const std::vector<int64_t>& micros, std::vector<int64_t> event_times = {}) {
  RecordBuilder<Event> builder;
  for (const int64_t value : micros) {
    builder.Append({Timestamp(std::chrono::microseconds(value)), value});
  }
  BatchExtras extras;
  if (!event_times.empty()) extras.event_times = Buffer::FromVector(std::move(event_times));
  return builder.Finish(std::move(extras));
}

TEST(WatermarkStrategy, MonotonicIsJustBelowTheHighestTime) {
  const auto generator = WatermarkStrategy::Monotonic().spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1, 2}, {500, 400})), EventTime::FromMicros(499));
}

TEST(WatermarkStrategy, BoundIsSubtracted) {
  const auto strategy = WatermarkStrategy::ForBoundedOutOfOrderness(5s);
  const auto generator = strategy.spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1}, {9000000})), EventTime::FromMicros(3999999));
  EXPECT_EQ(strategy.spec()->description, "bounded out-of-orderness 5s");
}

TEST(WatermarkStrategy, BatchWithoutEventTimesGivesNone) {
  const auto generator = WatermarkStrategy::Monotonic().spec()->make_generator();
  EXPECT_EQ(generator->OnBatch(Events({1})), std::nullopt);
}

TEST(WatermarkStrategy, NoneHasNoGenerator) {
  EXPECT_FALSE(WatermarkStrategy::None().spec()->make_generator);
}

TEST(WatermarkStrategy, AssignerReadsTimestampsOrMicroseconds) {
  const auto by_time = WatermarkStrategy::Monotonic().WithTimestampAssigner(
      [](const Event::View& event) { return event.time; });
  EXPECT_THAT(by_time.spec()->assign_timestamps(Events({7, 8})), ElementsAre(7, 8));
  const auto by_micros = WatermarkStrategy::Monotonic().WithTimestampAssigner(
      [](const Event& event) { return event.micros + 1; });
  EXPECT_THAT(by_micros.spec()->assign_timestamps(Events({7, 8})), ElementsAre(8, 9));
}

TEST(WatermarkStrategy, NoWatermarksIsNone) {
  EXPECT_FALSE(WatermarkStrategy::NoWatermarks().spec()->has_watermarks());
}

TEST(WatermarkStrategy, AssignerIsAField) {
  const auto by_time = WatermarkStrategy::Monotonic().WithTimestampAssigner(&Event::time);
  EXPECT_THAT(by_time.spec()->assign_timestamps(Events({7, 8}, {1, 2})), ElementsAre(7, 8));
  EXPECT_EQ(by_time.spec()->description, "monotonic, event times of field time");
  const auto by_micros = WatermarkStrategy::None().WithTimestampAssigner(&Event::micros);
  EXPECT_THAT(by_micros.spec()->assign_timestamps(Events({9})), ElementsAre(9));
}

TEST(WatermarkStrategy, AssignerGetsTheRecordsOwnTime) {
  const auto later = WatermarkStrategy::None().WithTimestampAssigner(
      [](const Event::View& event, Timestamp time) { return time + (event.micros * 1us); });
  EXPECT_THAT(later.spec()->assign_timestamps(Events({1, 2}, {500, 400})), ElementsAre(501, 402));
  const auto of_record = WatermarkStrategy::None().WithTimestampAssigner(
      [](const Event& event, std::optional<Timestamp> time) {
        return time.has_value() ? *time : event.time;
      });
  EXPECT_THAT(of_record.spec()->assign_timestamps(Events({1, 2}, {500, 400})),
              ElementsAre(500, 400));
  EXPECT_THAT(of_record.spec()->assign_timestamps(Events({1, 2})), ElementsAre(1, 2));
}

TEST(WatermarkStrategy, RecordWithoutATimeHasTheLowest) {
  std::vector<Timestamp> given;
  const auto strategy =
      WatermarkStrategy::None().WithTimestampAssigner([&given](const Event::View&, Timestamp time) {
        given.push_back(time);
        return int64_t{1};
      });
  strategy.spec()->assign_timestamps(Events({7}));
  EXPECT_THAT(given, ElementsAre(Timestamp::min()));
}

/// Does what its rows say: a number is emitted, -1 is idle, -2 active, and everything else nothing.
class Obedient final : public WatermarkGenerator<Event> {
 public:
  void OnEvent(const Event::View& event, Timestamp time, WatermarkOutput& output) override {
    times.push_back(time.time_since_epoch().count());
    if (event.micros == -1) return output.MarkIdle();
    if (event.micros == -2) return output.MarkActive();
    if (event.micros > 0) output.EmitWatermark(event.time);
  }
  void OnPeriodicEmit(WatermarkOutput& output) override {
    if (!times.empty()) output.EmitWatermark(Timestamp(std::chrono::microseconds(times.back())));
  }

  static inline std::vector<int64_t> times;
};

class OwnGenerator : public ::testing::Test {
 protected:
  OwnGenerator() { Obedient::times.clear(); }

  const WatermarkStrategy strategy_ =
      WatermarkStrategy::ForGenerator([] { return std::make_unique<Obedient>(); });
  const std::unique_ptr<BatchWatermarkGenerator> generator_ = strategy_.spec()->make_generator();
};

TEST_F(OwnGenerator, IsAskedForEachRecordWithItsTime) {
  EXPECT_EQ(generator_->OnBatch(Events({0, 0}, {500, 400})), std::nullopt);
  EXPECT_THAT(Obedient::times, ElementsAre(500, 400));
  EXPECT_EQ(generator_->OnBatch(Events({0})), std::nullopt);
  EXPECT_EQ(Obedient::times.back(), Timestamp::min().time_since_epoch().count());
}

TEST_F(OwnGenerator, HighestOfABatchCounts) {
  EXPECT_EQ(generator_->OnBatch(Events({7, 9, 8})), EventTime::FromMicros(9));
  EXPECT_EQ(generator_->OnBatch(Events({0})), std::nullopt) << "said once";
}

TEST_F(OwnGenerator, PeriodicEmission) {
  EXPECT_TRUE(strategy_.spec()->periodic);
  EXPECT_EQ(generator_->OnPeriodicEmit(), std::nullopt);
  generator_->OnBatch(Events({0}, {500}));
  EXPECT_EQ(generator_->OnPeriodicEmit(), EventTime::FromMicros(500));
}

TEST_F(OwnGenerator, IsIdleUntilItIsActiveOrEmits) {
  EXPECT_FALSE(generator_->idle());
  generator_->OnBatch(Events({-1}));
  EXPECT_TRUE(generator_->idle());
  generator_->OnBatch(Events({0}));
  EXPECT_TRUE(generator_->idle()) << "records alone do not end it, as in Flink";
  generator_->OnBatch(Events({-2}));
  EXPECT_FALSE(generator_->idle());
  generator_->OnBatch(Events({-1, 5}));
  EXPECT_FALSE(generator_->idle());
}

TEST_F(OwnGenerator, ExceptionNamesItsRow) {
  class Throwing final : public WatermarkGenerator<Event> {
   public:
    void OnEvent(const Event::View& event, Timestamp, WatermarkOutput&) override {
      if (event.micros == 3) throw std::runtime_error("three");
    }
  };
  const auto throwing = WatermarkStrategy::ForGenerator([] { return std::make_unique<Throwing>(); })
                            .spec()
                            ->make_generator();
  EXPECT_THROW(throwing->OnBatch(Events({1, 2, 3, 4})), std::runtime_error);
  EXPECT_EQ(ThisThreadsCall().row.load(), 2u);
  ThisThreadsCall().ClearRow();
}

TEST_F(OwnGenerator, EachCallOfTheFactoryMakesOne) {
  int made = 0;
  const auto counting = WatermarkStrategy::ForGenerator([&made] {
    ++made;
    return std::make_unique<Obedient>();
  });
  EXPECT_EQ(made, 0);
  EXPECT_TRUE(MakeGenerator(*counting.spec()).ok());
  EXPECT_TRUE(MakeGenerator(*counting.spec()).ok());
  EXPECT_EQ(made, 2);
}

TEST_F(OwnGenerator, FactoryThatGivesNone) {
  const auto none = WatermarkStrategy::ForGenerator([] { return std::unique_ptr<Obedient>(); });
  EXPECT_EQ(MakeGenerator(*none.spec()).status().message(),
            "the factory of the watermark generator gave none");
}

TEST(WatermarkStrategy, IdlenessIsKept) {
  const auto strategy = WatermarkStrategy::Monotonic().WithIdleness(1min);
  EXPECT_EQ(strategy.spec()->idle_after, absl::Minutes(1));
  EXPECT_EQ(strategy.spec()->description, "monotonic, idle after 1m");
}

}  // namespace
}  // namespace weir
