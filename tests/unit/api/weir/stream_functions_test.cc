#include "weir/stream_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/environment.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

struct City {
  int64_t id = 0;
  std::string name;
  std::optional<double> area;
  WEIR_RECORD(City, id, name, area)
};

struct Label {
  std::string text;
  std::string kind;
  WEIR_RECORD(Label, text, kind)
};

class RecordingOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    batches.push_back(std::move(batch));
    return status;
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }

  std::vector<BatchPtr> batches;
  absl::Status status;
};

BatchPtr Cities(const std::vector<City>& cities) {
  RecordBuilder<City> builder;
  for (const City& city : cities) builder.Append(city);
  return std::make_shared<const Batch>(builder.Finish());
}

/// The operator that the last call on a stream of cities added to its graph.
template <class Add>
std::unique_ptr<Operator> OperatorOf(const Add& add) {
  Environment env("job");
  add(env.FromSource(TestingSourceOf<City>(), WatermarkStrategy::None(), "cities"));
  return env.Graph().nodes.back().make_operator();
}

const std::vector<City> kCities = {{1, "Rome", 1285.0}, {2, "Oslo", {}}, {3, "Bonn", 141.0}};
const testing::RecordPosition kPosition = {"cities", 1, 100};
const BatchPtr kThree = Cities(kCities);

TEST(MapFunction, TakesAViewAndReturnsARecord) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    return cities.Map([](const City::View& city) {
      return Label{std::string(city.name), city.area.has_value() ? "measured" : "unknown"};
    });
  });
  harness.PushBatch(kCities, {10, 20, 30}, kPosition);

  const auto& labels = harness.Outputs();
  ASSERT_THAT(labels, SizeIs(3)) << harness.error();
  EXPECT_EQ(labels[1].record.text, "Oslo");
  EXPECT_EQ(labels[1].record.kind, "unknown");
  EXPECT_EQ(labels[1].event_time_us, 20);
  EXPECT_EQ(labels[1].position->offset, 101);
}

TEST(MapFunction, TakesARecordAndReturnsAView) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    return cities.Map([](const City& city) {
      return Label::View{"city", city.id > 1 ? "late" : "early"};
    });
  });
  harness.PushBatch(kCities);

  EXPECT_EQ(harness.Outputs().at(0).record.kind, "early") << harness.error();
  EXPECT_EQ(harness.Outputs().at(2).record.kind, "late");
}

TEST(MapFunction, MayMakeAStreamOfAFieldType) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    const DataStream<std::string> names =
        cities.Map([](const City::View& city) { return city.name; });
    return names;
  });
  harness.PushBatch(kCities);

  EXPECT_EQ(harness.Outputs().at(2).record, "Bonn") << harness.error();
}

TEST(MapFunction, CanBeUsedAgainAfterEachBatch) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    return cities.Map([count = int64_t{0}](const City::View&) mutable { return ++count; });
  });
  harness.PushBatch(kCities);
  harness.PushBatch(kCities);

  EXPECT_EQ(harness.Outputs().at(3).record, 4) << harness.error();
}

TEST(FilterFunction, KeepsRowsWithTheirTimesAndPositions) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    return cities.Filter([](const City::View& city) { return city.area.has_value(); });
  });
  harness.PushBatch(kCities, {10, 20, 30}, kPosition);

  const auto& kept = harness.Outputs();
  ASSERT_THAT(kept, SizeIs(2)) << harness.error();
  EXPECT_EQ(kept[1].record.name, "Bonn");
  EXPECT_EQ(kept[1].event_time_us, 30);
  EXPECT_EQ(kept[1].position->offset, 102);
}

TEST(FilterFunction, PassesTheBatchItselfWhenAllRowsAreKept) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Filter([](const City& city) { return city.id > 0; });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());
  EXPECT_EQ(out.batches.at(0), kThree);
}

TEST(FilterFunction, EmitsNothingWhenNoRowIsKept) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Filter([](const City::View&) { return false; });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());
  EXPECT_THAT(out.batches, IsEmpty());
}

TEST(FlatMapFunction, GivesEachRowTheTimeAndPositionOfItsInput) {
  testing::OperatorTestHarness harness([](const DataStream<City>& cities) {
    return cities.FlatMap<std::string>([](const City::View& city, Collector<std::string>& out) {
      for (int64_t i = 1; i < city.id; ++i) out.Collect(city.name);
    });
  });
  harness.PushBatch(kCities, {10, 20, 30}, kPosition);

  const auto& names = harness.Outputs();
  ASSERT_THAT(names, SizeIs(3)) << harness.error();
  EXPECT_EQ(names[0].record, "Oslo");
  EXPECT_EQ(names[0].event_time_us, 20);
  EXPECT_EQ(names[2].event_time_us, 30);
  EXPECT_EQ(names[2].position->offset, 102);
}

TEST(FlatMapFunction, SplitsWhatIsTooMuchForOneBatch) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.FlatMap<Label>([](const City& city, Collector<Label>& out) {
      for (int i = 0; i < 5000; ++i) out.Collect(Label{city.name, "copy"});
    });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  size_t rows = 0;
  for (const BatchPtr& batch : out.batches) {
    EXPECT_LE(batch->num_rows(), 4096u);
    rows += batch->num_rows();
  }
  EXPECT_EQ(rows, 15000u);
}

TEST(FlatMapFunction, ErrorOfTheOutputComesBack) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.FlatMap<int64_t>(
        [](const City::View& city, Collector<int64_t>& out) { out.Collect(city.id); });
  });
  RecordingOutput out;
  out.status = absl::UnavailableError("gone");
  EXPECT_EQ(op->ProcessBatch(kThree, out).code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace weir
