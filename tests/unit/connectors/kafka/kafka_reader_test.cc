#include "connectors/kafka/kafka_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/connectors/kafka/testing_kafka_clients.h"

namespace weir::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class KafkaReaderTest : public testing::Test {
 protected:
  void Open(const std::vector<KafkaSplit>& splits, bool stops = false,
            RecordFormat format = StringRecordFormat(),
            SchemaPtr schema = Schema::Make({{"value", DataType::kString}})) {
    KafkaSourceOptions options;
    options.properties.Set("bootstrap.servers", "b:1").Set("group.id", "g");
    options.topics = {"t"};
    options.value_format = std::move(format);
    options.schema = std::move(schema);
    if (stops) options.stopping_offsets = Offsets::Latest();
    auto resolved = ResolveSourceOptions(options);
    ASSERT_TRUE(resolved.ok()) << resolved.status();
    reader_ = std::make_unique<KafkaReader>(*resolved, factory_, 0);
    std::vector<SourceSplit> given;
    for (const KafkaSplit& split : splits) given.push_back(ToSourceSplit(split));
    ASSERT_TRUE(reader_->AddSplits(given).ok());
  }

  ReadResult Poll() {
    absl::StatusOr<ReadResult> result = reader_->Poll();
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? *result : ReadResult();
  }
  static std::vector<std::string> Values(const ReadResult& result) {
    std::vector<std::string> values;
    for (size_t i = 0; result.batch != nullptr && i < result.batch->num_rows(); ++i) {
      values.emplace_back(result.batch->column(0).StringAt(i));
    }
    return values;
  }
  std::vector<std::string> Positions() {
    const std::vector<SourceSplit> snapshot = *reader_->Snapshot();
    std::vector<std::string> positions;
    for (const SourceSplit& split : snapshot) positions.push_back(split.position);
    return positions;
  }

  std::shared_ptr<TestingKafkaClientFactory> factory_ =
      std::make_shared<TestingKafkaClientFactory>();
  TestingKafkaConsumerClient& consumer_ = *factory_->consumer;
  std::unique_ptr<KafkaReader> reader_;
};

TEST_F(KafkaReaderTest, ABatchHasRowsOfOnePartition) {
  Open({{"t", 0, 5, {}}, {"t", 1, 7, {}}});
  consumer_.Put(0, 5, "a", 1000);
  consumer_.Put(1, 7, "x", 2000);
  consumer_.Put(0, 6, "b", 3000);
  const ReadResult first = Poll();
  EXPECT_EQ(first.next, ReadResult::Next::kMore);
  EXPECT_EQ(first.split, 0u);
  EXPECT_THAT(Values(first), ElementsAre("a", "b"));
  EXPECT_EQ(first.batch->event_times()[1], 3000000);
  EXPECT_EQ(first.batch->provenance()->Describe(1), "topic t, partition 0, offset 6");
  const ReadResult second = Poll();
  EXPECT_EQ(second.split, 1u);
  EXPECT_THAT(Values(second), ElementsAre("x"));
  EXPECT_EQ(Poll().next, ReadResult::Next::kWait);
}

TEST_F(KafkaReaderTest, SnapshotIsBehindTheLastBatchThatWasReturned) {
  Open({{"t", 0, 5, {}}, {"t", 1, 7, {}}});
  consumer_.Put(0, 5, "a");
  consumer_.Put(1, 7, "x");
  Poll();
  EXPECT_THAT(Positions(), ElementsAre("1 0 6 - t", "1 1 7 - t"));
  Poll();
  EXPECT_THAT(Positions(), ElementsAre("1 0 6 - t", "1 1 8 - t"));
}

TEST_F(KafkaReaderTest, GapsInOffsetsAreKeptInTheProvenance) {
  Open({{"t", 0, 0, {}}});
  consumer_.Put(0, 2, "a");
  consumer_.Put(0, 9, "b");
  const ReadResult result = Poll();
  EXPECT_EQ(result.batch->provenance()->OffsetOf(0), 2);
  EXPECT_EQ(result.batch->provenance()->OffsetOf(1), 9);
  EXPECT_THAT(Positions(), ElementsAre("1 0 10 - t"));
}

TEST_F(KafkaReaderTest, PositionMovesOverControlRecords) {
  Open({{"t", 0, 0, {}}});
  consumer_.Put(0, 0, "a");
  Poll();
  consumer_.positions[0] = 2;  // a commit marker at offset 1
  EXPECT_THAT(Positions(), ElementsAre("1 0 2 - t"));
}

TEST_F(KafkaReaderTest, TellsHowFarItIsBehind) {
  Open({{"t", 0, 5, {}}, {"t", 1, 0, {}}});
  const auto metrics = reader_->metrics();
  EXPECT_THAT(metrics->PendingRecords(), IsEmpty());
  consumer_.Put(0, 5, "a");
  consumer_.ends[0] = 9;
  Poll();
  EXPECT_THAT(metrics->PendingRecords(), ElementsAre(Pair("t-0", 3)));
  consumer_.positions[0] = 9;  // the rest are control records
  consumer_.ends[1] = 2;
  Poll();
  EXPECT_THAT(metrics->PendingRecords(), ElementsAre(Pair("t-0", 0), Pair("t-1", 2)));
}

TEST_F(KafkaReaderTest, ABoundedSplitIsBehindItsStoppingOffset) {
  Open({{"t", 0, 0, 3}}, /*stops=*/true);
  consumer_.ends[0] = 100;
  consumer_.Put(0, 0, "a");
  Poll();
  EXPECT_THAT(reader_->metrics()->PendingRecords(), ElementsAre(Pair("t-0", 2)));
  consumer_.Put(0, 1, "b");
  consumer_.Put(0, 2, "c");
  Poll();
  EXPECT_THAT(reader_->metrics()->PendingRecords(), ElementsAre(Pair("t-0", 0)));
}

TEST_F(KafkaReaderTest, EndsAtTheStoppingOffset) {
  Open({{"t", 0, 0, 2}}, /*stops=*/true);
  for (int i = 0; i < 4; ++i) consumer_.Put(0, i, std::to_string(i));
  EXPECT_THAT(Values(Poll()), ElementsAre("0", "1"));
  EXPECT_TRUE(consumer_.unassigned[0]);
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
  EXPECT_TRUE((*reader_->Snapshot())[0].finished);
  EXPECT_THAT(Positions(), ElementsAre("1 0 2 2 t"));
}

TEST_F(KafkaReaderTest, EndsWhenOnlyControlRecordsAreLeft) {
  Open({{"t", 0, 0, 3}}, /*stops=*/true);
  consumer_.Put(0, 0, "a");
  EXPECT_THAT(Values(Poll()), ElementsAre("a"));
  EXPECT_EQ(Poll().next, ReadResult::Next::kWait);
  consumer_.positions[0] = 3;
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
}

TEST_F(KafkaReaderTest, ARecordBehindTheStopEndsThePartition) {
  Open({{"t", 0, 0, 3}}, /*stops=*/true);
  consumer_.Put(0, 7, "late");
  const ReadResult result = Poll();
  EXPECT_EQ(result.batch, nullptr);
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
}

TEST_F(KafkaReaderTest, OtherPartitionsGoOnWhenOneEnds) {
  Open({{"t", 0, 0, 1}, {"t", 1, 0, 1}}, /*stops=*/true);
  consumer_.Put(0, 0, "a");
  consumer_.Put(0, 1, "b");
  EXPECT_THAT(Values(Poll()), ElementsAre("a"));
  EXPECT_EQ(Poll().next, ReadResult::Next::kWait);
  consumer_.Put(0, 2, "c");  // was still on its way
  consumer_.Put(1, 0, "x");
  const ReadResult result = Poll();
  EXPECT_EQ(result.split, 1u);
  EXPECT_THAT(Values(result), ElementsAre("x"));
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
}

TEST_F(KafkaReaderTest, NothingIsReadOfAnEmptyBoundedSource) {
  Open({{"t", 0, 4, 4}}, /*stops=*/true);
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
  EXPECT_TRUE(consumer_.assigned.empty());
}

TEST_F(KafkaReaderTest, ASubtaskWithoutPartitionsEndsOrWaits) {
  Open({}, /*stops=*/true);
  EXPECT_EQ(Poll().next, ReadResult::Next::kEndOfInput);
  Open({}, /*stops=*/false);
  EXPECT_EQ(Poll().next, ReadResult::Next::kWait);
}

TEST_F(KafkaReaderTest, NewPartitionsKeepTheOrderOfSplits) {
  Open({{"t", 0, 0, {}}});
  ASSERT_TRUE(reader_->AddSplits({ToSourceSplit({"t", 4, 11, {}})}).ok());
  consumer_.Put(1, 11, "new");
  EXPECT_EQ(Poll().split, 1u);
  EXPECT_THAT(Positions(), ElementsAre("1 0 0 - t", "1 4 12 - t"));
}

TEST_F(KafkaReaderTest, ARecordThatCannotBeDecodedIsNamed) {
  Open({{"t", 3, 0, {}}}, false, JsonRecordFormat(), Schema::Make({{"id", DataType::kInt64}}));
  consumer_.Put(0, 40, R"({"id":1})");
  consumer_.Put(0, 41, R"({"id":"secret"})");
  const auto result = reader_->Poll();
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(result.status().message()),
              testing::AllOf(HasSubstr("topic t, partition 3, offset 41"), HasSubstr("id"),
                             testing::Not(HasSubstr("secret"))));
}

/// Takes note of records, up to a number.
class TestingRecordErrors final : public RecordErrors {
 public:
  absl::Status OnFailedRecord(const FailedRecord& record) override {
    if (seen.size() == patience) return absl::InvalidArgumentError("enough");
    seen.push_back(absl::StrCat(record.topic, "-", record.partition, "@", record.offset, " ",
                                std::string(record.value.data, record.value.size)));
    return absl::OkStatus();
  }
  absl::Status OnFailedRow(const Batch&, size_t, const std::string&) override {
    return absl::InternalError("readers have records");
  }
  size_t patience = 100;
  std::vector<std::string> seen;
};

TEST_F(KafkaReaderTest, RecordsThatCannotBeDecodedAreLeftOut) {
  TestingRecordErrors errors;
  Open({{"t", 3, 0, {}}}, false, JsonRecordFormat(), Schema::Make({{"id", DataType::kInt64}}));
  reader_->SetErrors(&errors);
  consumer_.Put(0, 40, "bad");
  consumer_.Put(0, 41, R"({"id":1})", 1000);
  consumer_.Put(0, 42, "worse");
  consumer_.Put(0, 43, R"({"id":2})", 2000);
  consumer_.Put(0, 44, "worst");
  const ReadResult result = Poll();
  EXPECT_THAT(errors.seen, ElementsAre("t-3@40 bad", "t-3@42 worse", "t-3@44 worst"));
  ASSERT_NE(result.batch, nullptr);
  ASSERT_EQ(result.batch->num_rows(), 2u);
  EXPECT_EQ(result.batch->column(0).int64s()[1], 2);
  EXPECT_EQ(result.batch->provenance()->OffsetOf(0), 41);
  EXPECT_EQ(result.batch->provenance()->OffsetOf(1), 43);
  EXPECT_EQ(result.batch->event_times()[1], 2'000'000);
  EXPECT_THAT(Positions(), ElementsAre("1 3 45 - t")) << "behind the last, bad as it is";
}

TEST_F(KafkaReaderTest, PositionMovesOverABatchOfNothingButBadRecords) {
  TestingRecordErrors errors;
  Open({{"t", 3, 0, {}}}, false, JsonRecordFormat(), Schema::Make({{"id", DataType::kInt64}}));
  reader_->SetErrors(&errors);
  consumer_.Put(0, 7, "bad");
  EXPECT_EQ(Poll().batch, nullptr);
  EXPECT_THAT(Positions(), ElementsAre("1 3 8 - t"));
}

TEST_F(KafkaReaderTest, WhatThePolicyRefusesIsReturned) {
  TestingRecordErrors errors;
  errors.patience = 0;
  Open({{"t", 3, 0, {}}}, false, JsonRecordFormat(), Schema::Make({{"id", DataType::kInt64}}));
  reader_->SetErrors(&errors);
  consumer_.Put(0, 7, "bad");
  EXPECT_EQ(reader_->Poll().status().message(), "enough");
}

TEST_F(KafkaReaderTest, LargeRecordsMakeSmallBatches) {
  Open({{"t", 0, 0, {}}});
  for (int i = 0; i < 5; ++i) consumer_.Put(0, i, std::string(KafkaReader::kBatchBytes / 2, 'x'));
  EXPECT_EQ(Poll().batch->num_rows(), 2u);
  EXPECT_THAT(Positions(), ElementsAre("1 0 2 - t"));
  EXPECT_EQ(Poll().batch->num_rows(), 2u);
  EXPECT_EQ(Poll().batch->num_rows(), 1u);
}

TEST_F(KafkaReaderTest, OffsetsAreCommittedWithTheCheckpointOnly) {
  Open({{"t", 0, 0, {}}});
  consumer_.Put(0, 0, "a");
  Poll();
  const std::vector<SourceSplit> snapshot = *reader_->Snapshot();
  EXPECT_TRUE(consumer_.committed.empty());
  consumer_.Put(0, 1, "b");
  Poll();
  reader_->NotifyCheckpointComplete(snapshot);
  EXPECT_EQ((consumer_.committed[{"t", 0}]), 1);
}

TEST_F(KafkaReaderTest, RestoredWatermarksStayWithTheirSplits) {
  Open({});
  SourceSplit split = ToSourceSplit({"t", 0, 3, {}});
  split.watermark_us = 77;
  ASSERT_TRUE(reader_->AddSplits({split}).ok());
  EXPECT_EQ((*reader_->Snapshot())[0].watermark_us, 77);
}

TEST_F(KafkaReaderTest, ErrorsOfTheClientPassThrough) {
  Open({{"t", 0, 0, {}}});
  consumer_.error = absl::OutOfRangeError("gone");
  EXPECT_EQ(reader_->Poll().status().code(), absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace weir::kafka
