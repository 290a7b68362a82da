#include "taskmanager/exchange/frame_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/seeded_random.h"
#include "common/types/batch_builder.h"
#include "tests/unit/taskmanager/exchange/testing_exchange.h"

namespace weir::taskmanager {
namespace {

using testing::HasSubstr;

const SchemaPtr& AllTypes() {
  static const SchemaPtr schema = Schema::Make({{"b", DataType::kBool, false},
                                                {"i", DataType::kInt32, true},
                                                {"l", DataType::kInt64, false},
                                                {"f", DataType::kFloat64, true},
                                                {"s", DataType::kString, true},
                                                {"raw", DataType::kBytes, false},
                                                {"at", DataType::kTimestamp, false}});
  return schema;
}

// Random rows with every kind of buffer.
Batch MakeRows(size_t rows, uint64_t seed, bool with_extras) {
  SeededRandom random(seed);
  BatchBuilder builder(AllTypes());
  std::vector<int64_t> times;
  std::vector<uint8_t> kinds;
  for (size_t row = 0; row < rows; ++row) {
    builder.column(0).AppendBool(random.Below(2) == 0);
    if (random.Below(3) == 0) {
      builder.column(1).AppendNull();
    } else {
      builder.column(1).AppendInt32(static_cast<int32_t>(random.Next()));
    }
    builder.column(2).AppendInt64(static_cast<int64_t>(random.Next()));
    if (random.Below(5) == 0) {
      builder.column(3).AppendNull();
    } else {
      builder.column(3).AppendFloat64(static_cast<double>(random.Next()));
    }
    if (random.Below(4) == 0) {
      builder.column(4).AppendNull();
    } else {
      builder.column(4).AppendBytes(std::string(random.Below(20), 's'));
    }
    builder.column(5).AppendBytes(std::string(random.Below(3), '\0'));
    builder.column(6).AppendInt64(static_cast<int64_t>(row));
    builder.CommitRow();
    times.push_back(static_cast<int64_t>(random.Next()));
    kinds.push_back(static_cast<uint8_t>(random.Below(4)));
  }
  BatchExtras extras;
  if (with_extras) {
    extras.event_times = Buffer::FromVector(std::move(times));
    extras.change_kinds = Buffer::FromVector(std::move(kinds));
  }
  return builder.Finish(std::move(extras));
}

FrameHeader Header() {
  FrameHeader header;
  header.link = {Generation(3), 11, 12};
  header.channel = {7, 1, 2};
  header.sequence = 5;
  header.pushed_bytes = 99;
  return header;
}

void ExpectSame(const Batch& batch) {
  const std::string text = FrameText(Header(), std::make_shared<const Batch>(batch));
  EXPECT_EQ(text.size(), BatchFrameBytes(batch));
  const absl::StatusOr<ChannelElement> element = DecodeText(text, batch.schema());
  ASSERT_TRUE(element.ok()) << element.status();
  const Batch& decoded = *std::get<BatchPtr>(*element);
  ASSERT_EQ(decoded.num_rows(), batch.num_rows());
  for (size_t i = 0; i < batch.num_columns(); ++i) {
    EXPECT_TRUE(decoded.column(i).Equals(batch.column(i))) << batch.schema()->field(i).name;
  }
  EXPECT_EQ(decoded.event_times() == nullptr, batch.event_times() == nullptr);
  for (size_t row = 0; row < batch.num_rows(); ++row) {
    if (batch.event_times() != nullptr) {
      EXPECT_EQ(decoded.event_times()[row], batch.event_times()[row]);
    }
    EXPECT_EQ(decoded.change_kind(row), batch.change_kind(row));
  }
  EXPECT_EQ(decoded.provenance(), nullptr);
}

TEST(FrameCodec, BatchesOfAllTypes) {
  for (const size_t rows : {0u, 1u, 7u, 8u, 9u, 1000u}) {
    ExpectSame(MakeRows(rows, rows, true));
    ExpectSame(MakeRows(rows, rows, false));
  }
}

TEST(FrameCodec, SlicesAtAnyRow) {
  const Batch batch = MakeRows(100, 1, true);
  for (const size_t first : {0u, 1u, 8u, 13u, 50u}) {
    for (const size_t count : {0u, 1u, 8u, 29u, 50u}) ExpectSame(batch.Slice(first, count));
  }
  ExpectSame(batch.Slice(3, 90).Slice(5, 60));
}

TEST(FrameCodec, SliceCarriesItsOwnBytesOnly) {
  const Batch batch = MakeRows(10'000, 1, false);
  EXPECT_LT(BatchFrameBytes(batch.Slice(9'990, 10)), 2'000u);
}

TEST(FrameCodec, BatchWithoutColumns) { ExpectSame(Batch(Schema::Make({}), {}, 5)); }

TEST(FrameCodec, LargeBuffersAreSharedNotCopied) {
  const BatchPtr batch = CountingBatch(0, 10'000);
  std::vector<Buffer> message;
  const ChannelElement element = batch;
  AppendFrame(Header(), &element, &message);
  bool shared = false;
  for (const Buffer& buffer : message) {
    shared |= buffer.data() == batch->column(0).buffers().values.data();
  }
  EXPECT_TRUE(shared);
}

TEST(FrameCodec, ControlElements) {
  const std::vector<ChannelElement> elements = {EventTime::FromMicros(-5),
                                                EventTime::Max(),
                                                Barrier{Epoch(8), LeaderTerm(2), true},
                                                Barrier{Epoch(9), LeaderTerm(2), false},
                                                Barrier{Epoch(9), LeaderTerm(2), false, true},
                                                StreamStatus{true},
                                                StreamStatus{false},
                                                EndOfInput()};
  for (const ChannelElement& element : elements) {
    const absl::StatusOr<ChannelElement> decoded =
        DecodeText(FrameText(Header(), element), NumbersSchema());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(TextOf({*decoded}), TextOf({element}));
  }
}

TEST(FrameCodec, HeaderTravels) {
  const std::string text = FrameText(Header(), EventTime::FromMicros(1));
  const std::vector<absl::string_view> pieces = {text};
  MessageCursor cursor(pieces);
  const absl::StatusOr<FrameHeader> header = cursor.ReadHeader();
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->kind, FrameKind::kWatermark);
  EXPECT_EQ(header->link, Header().link);
  EXPECT_EQ(header->channel, Header().channel);
  EXPECT_EQ(header->sequence, 5u);
  EXPECT_EQ(header->pushed_bytes, 99u);
  EXPECT_EQ(header->frame_bytes, text.size());
}

TEST(FrameCodec, AnotherSchemaIsDataLossNamingTheChannel) {
  const std::string text = FrameText(Header(), NumbersBatch({1, 2}));
  const absl::Status status =
      DecodeText(text, Schema::Make({{"s", DataType::kString, false}})).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("channel of edge 7 from subtask 1 to 2: corrupt frame 5"));
}

// Every cut and many flipped bytes: an element or DATA_LOSS, and no more memory than there is.
TEST(FrameCodec, CorruptBytesAreDataLoss) {
  const Batch batch = MakeRows(20, 4, true);
  const std::string text = FrameText(Header(), std::make_shared<const Batch>(batch));
  for (size_t length = 0; length < text.size(); ++length) {
    const absl::Status status = DecodeText(text.substr(0, length), AllTypes()).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kDataLoss) << length;
  }
  SeededRandom random(1);
  for (int i = 0; i < 5'000; ++i) {
    std::string changed = text;
    for (uint64_t n = 1 + random.Below(3); n > 0; --n) {
      changed[random.Below(changed.size())] = static_cast<char>(random.Next());
    }
    const absl::StatusOr<ChannelElement> element = DecodeText(changed, AllTypes());
    if (!element.ok()) {
      ASSERT_EQ(element.status().code(), absl::StatusCode::kDataLoss);
    }
  }
}

}  // namespace
}  // namespace weir::taskmanager
