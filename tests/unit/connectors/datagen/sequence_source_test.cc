#include "connectors/datagen/sequence_source.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "weir/datagen.h"

namespace weir::datagen {
namespace {

class TestingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::Seconds(1);
};

std::vector<int64_t> Ids(const Batch& batch) {
  const int64_t* ids = batch.column(0).int64s();
  return std::vector<int64_t>(ids, ids + batch.num_rows());
}

TEST(SequenceSource, AllIdsComeOnceOverAllSubtasks) {
  const SequenceSourceOptions options{.splits = 3, .rows_per_split = 1500};
  const SequenceSource source(options);
  ASSERT_TRUE(source.Validate().ok());
  const auto enumerator = *source.MakeEnumerator();
  const std::vector<SourceSplit> splits = *enumerator->DiscoverSplits({});
  std::multiset<int64_t> ids;
  for (uint32_t subtask = 0; subtask < 2; ++subtask) {
    const auto reader = *source.MakeReader(subtask, 2);
    std::vector<SourceSplit> mine;
    for (const SourceSplit& split : splits) {
      if (enumerator->OwnerOf(split, 2) == subtask) mine.push_back(split);
    }
    ASSERT_TRUE(reader->AddSplits(mine).ok());
    while (true) {
      const ReadResult result = *reader->Poll();
      if (result.next == ReadResult::Next::kEndOfInput) break;
      for (const int64_t id : Ids(*result.batch)) ids.insert(id);
    }
    const std::vector<SourceSplit> snapshot = *reader->Snapshot();
    for (const SourceSplit& split : snapshot) EXPECT_TRUE(split.finished);
  }
  EXPECT_EQ(ids.size(), 4500u);
  EXPECT_EQ(std::set<int64_t>(ids.begin(), ids.end()).size(), 4500u);
  EXPECT_EQ(*ids.rbegin(), 4499);
  EXPECT_TRUE(enumerator->DiscoverSplits(splits)->empty());
}

TEST(SequenceSource, APositionIsWhereReadingGoesOn) {
  const SequenceSourceOptions options{.splits = 2, .rows_per_split = 0};
  const TestingClock clock;
  SequenceReader first(options, clock);
  ASSERT_TRUE(first.AddSplits(*SequenceEnumerator(options).DiscoverSplits({})).ok());
  ASSERT_TRUE(first.Poll().ok());
  const std::vector<SourceSplit> snapshot = *first.Snapshot();
  const ReadResult expected_other = *first.Poll();
  const ReadResult expected = *first.Poll();
  SequenceReader second(options, clock);
  ASSERT_TRUE(second.AddSplits(snapshot).ok());
  EXPECT_EQ(Ids(*second.Poll()->batch), Ids(*expected.batch));
  EXPECT_EQ(Ids(*second.Poll()->batch), Ids(*expected_other.batch));
}

TEST(SequenceSource, TheRateIsKept) {
  const SequenceSourceOptions options{.splits = 1, .rows_per_split = 0, .rows_per_second = 100};
  TestingClock clock;
  SequenceReader reader(options, clock);
  reader.SetWakeup([] {});
  ASSERT_TRUE(reader.AddSplits(*SequenceEnumerator(options).DiscoverSplits({})).ok());
  size_t rows = 0;
  for (int step = 0; step < 50; ++step) {
    clock.now += absl::Milliseconds(100);
    while (true) {
      const ReadResult result = *reader.Poll();
      if (result.batch == nullptr) break;
      rows += result.batch->num_rows();
    }
  }
  EXPECT_NEAR(static_cast<double>(rows), 500, 15);
}

TEST(SequenceSource, RefusesForeignSplits) {
  const SequenceSourceOptions options{.splits = 1, .rows_per_split = 1};
  const TestingClock clock;
  SequenceReader reader(options, clock);
  EXPECT_FALSE(reader.AddSplits({{"sequence-1", "1 0", {}, false}}).ok());
  EXPECT_FALSE(reader.AddSplits({{"sequence-0", "2 0", {}, false}}).ok());
  EXPECT_FALSE(reader.AddSplits({{"flights-0", "1 0", {}, false}}).ok());
}

TEST(SequenceSource, OptionsAreChecked) {
  EXPECT_FALSE(MakeSequenceSource({.splits = 0})->Validate().ok());
  EXPECT_FALSE(MakeSequenceSource({.rows_per_split = -1})->Validate().ok());
  EXPECT_FALSE(MakeSequenceSource({.rows_per_second = -1})->Validate().ok());
}

TEST(SequenceSource, RecordHasTheSourcesSchema) {
  EXPECT_EQ(*SchemaOf<SequenceRow>(), *SequenceSchema());
}

}  // namespace
}  // namespace weir::datagen
