#include "weir/stream_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/environment.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
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
  std::vector<int64_t> times;
  for (const City& city : cities) {
    builder.Append(city);
    times.push_back(city.id * 10);
  }
  auto provenance = std::make_shared<Provenance>();
  provenance->topic = "cities";
  provenance->partition = 1;
  provenance->first_offset = 100;
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::move(times));
  extras.provenance = provenance;
  return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
}

/// The operator that the last call on a stream of cities added to its graph.
template <class Add>
std::unique_ptr<Operator> OperatorOf(const Add& add) {
  Environment env("job");
  add(env.FromSource(TestingSourceOf<City>(), WatermarkStrategy::None(), "cities"));
  return env.Graph().nodes.back().make_operator();
}

std::vector<int64_t> TimesOf(const Batch& batch) {
  return {batch.event_times(), batch.event_times() + batch.num_rows()};
}

const BatchPtr kThree = Cities({{1, "Rome", 1285.0}, {2, "Oslo", {}}, {3, "Bonn", 141.0}});

TEST(MapFunction, TakesAViewAndReturnsARecord) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Map([](const City::View& city) {
      return Label{std::string(city.name), city.area.has_value() ? "measured" : "unknown"};
    });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  ASSERT_THAT(out.batches, SizeIs(1));
  const RecordReader<Label> labels(*out.batches[0]);
  EXPECT_EQ(labels.View(1).text, "Oslo");
  EXPECT_EQ(labels.View(1).kind, "unknown");
  EXPECT_THAT(TimesOf(*out.batches[0]), ElementsAre(10, 20, 30));
  EXPECT_EQ(out.batches[0]->provenance(), kThree->provenance());
}

TEST(MapFunction, TakesARecordAndReturnsAView) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Map([](const City& city) {
      return Label::View{"city", city.id > 1 ? "late" : "early"};
    });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  const RecordReader<Label> labels(*out.batches.at(0));
  EXPECT_EQ(labels.View(0).kind, "early");
  EXPECT_EQ(labels.View(2).kind, "late");
}

TEST(MapFunction, MayMakeAStreamOfAFieldType) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    const DataStream<std::string> names =
        cities.Map([](const City::View& city) { return city.name; });
    (void)names;
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  EXPECT_EQ(RecordReader<std::string>(*out.batches.at(0)).View(2), "Bonn");
}

TEST(MapFunction, CanBeUsedAgainAfterEachBatch) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Map([count = int64_t{0}](const City::View&) mutable { return ++count; });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  EXPECT_EQ(RecordReader<int64_t>(*out.batches.at(1)).View(0), 4);
}

TEST(FilterFunction, KeepsRowsWithTheirTimesAndPositions) {
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.Filter([](const City::View& city) { return city.area.has_value(); });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  const Batch& batch = *out.batches.at(0);
  EXPECT_EQ(batch.num_rows(), 2u);
  EXPECT_EQ(RecordReader<City>(batch).View(1).name, "Bonn");
  EXPECT_THAT(TimesOf(batch), ElementsAre(10, 30));
  EXPECT_EQ(batch.provenance()->OffsetOf(1), 102);
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
  const auto op = OperatorOf([](const DataStream<City>& cities) {
    cities.FlatMap<std::string>([](const City::View& city, Collector<std::string>& out) {
      for (int64_t i = 1; i < city.id; ++i) out.Collect(city.name);
    });
  });
  RecordingOutput out;
  ASSERT_TRUE(op->ProcessBatch(kThree, out).ok());

  const Batch& batch = *out.batches.at(0);
  EXPECT_EQ(batch.num_rows(), 3u);
  EXPECT_EQ(RecordReader<std::string>(batch).View(0), "Oslo");
  EXPECT_THAT(TimesOf(batch), ElementsAre(20, 30, 30));
  EXPECT_EQ(batch.provenance()->OffsetOf(2), 102);
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
