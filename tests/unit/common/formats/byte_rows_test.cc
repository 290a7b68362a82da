#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/status/status.h"

#include "common/formats/format.h"
#include "common/formats/string_format.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string Text(const Payload& payload) {
  return payload.null ? "<null>" : std::string(payload.data, payload.size);
}

TEST(ByteRowsTest, KeepsPayloadsNullsAndEmptyOnesApart) {
  ByteRows rows;
  rows.Append("one");
  rows.Append("");
  rows.AppendNull();
  rows.Append(std::string(10'000, 'x'));
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(Text(rows[0]), "one");
  EXPECT_FALSE(rows[1].null);
  EXPECT_EQ(rows[1].size, 0u);
  EXPECT_TRUE(rows[2].null);
  EXPECT_EQ(rows[3].size, 10'000u);
  EXPECT_EQ(rows.arena_bytes(), 10'003u);
}

TEST(ByteRowsTest, TruncateAndClearForgetTheRest) {
  ByteRows rows;
  rows.AppendNull();
  rows.Append("a");
  rows.Append("b");
  rows.Truncate(2);
  rows.Append("c");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(Text(rows[0]), "<null>");
  EXPECT_EQ(Text(rows[2]), "c");
  rows.Clear();
  EXPECT_EQ(rows.size(), 0u);
  rows.Append("d");
  EXPECT_EQ(Text(rows[0]), "d");
}

TEST(StringFormatTest, PayloadsBecomeValuesUnchanged) {
  const std::string binary("\xff\x00z", 3);
  const std::vector<Payload> payloads = {
      {"abc", 3, false}, {nullptr, 0, false}, {binary.data(), binary.size(), false}};
  BatchBuilder builder(Schema::Make({{"value", DataType::kString, false}}));
  std::vector<DecodeError> failed;
  ASSERT_TRUE(StringDeserializer().Deserialize(payloads, builder, &failed).ok());
  EXPECT_TRUE(failed.empty());
  const Batch batch = builder.Finish();
  ASSERT_EQ(batch.num_rows(), 3u);
  EXPECT_EQ(batch.column(0).StringAt(2), binary);
  ByteRows rows;
  ASSERT_TRUE(StringSerializer().Serialize(batch, &rows).ok());
  EXPECT_EQ(Text(rows[0]), "abc");
  EXPECT_EQ(Text(rows[1]), "");
  EXPECT_EQ(Text(rows[2]), binary);
}

TEST(StringFormatTest, NullsNeedANullableField) {
  const std::vector<Payload> payloads = {{nullptr, 0, true}, {"x", 1, false}};
  std::vector<DecodeError> failed;
  BatchBuilder strict(Schema::Make({{"value", DataType::kBytes, false}}));
  StringDeserializer bytes(DataType::kBytes);
  ASSERT_TRUE(bytes.Deserialize(payloads, strict, &failed).ok());
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].row, 0u);
  EXPECT_EQ(failed[0].reason, "the payload is null, but field \"value\" is not nullable");
  EXPECT_EQ(strict.rows(), 1u);

  failed.clear();
  BatchBuilder lenient(Schema::Make({{"value", DataType::kBytes, true}}));
  ASSERT_TRUE(bytes.Deserialize(payloads, lenient, &failed).ok());
  EXPECT_TRUE(failed.empty());
  const Batch batch = lenient.Finish();
  ByteRows rows;
  ASSERT_TRUE(StringSerializer(DataType::kBytes).Serialize(batch, &rows).ok());
  EXPECT_EQ(Text(rows[0]), "<null>");
  EXPECT_EQ(Text(rows[1]), "x");
}

TEST(StringFormatTest, RefusesSchemasOfOtherShapes) {
  std::vector<DecodeError> failed;
  BatchBuilder numbers(Schema::Make({{"value", DataType::kInt64, false}}));
  const absl::Status status = StringDeserializer().Deserialize({}, numbers, &failed);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("not (value int64)"));
  ByteRows rows;
  EXPECT_FALSE(StringSerializer().Serialize(numbers.Finish(), &rows).ok());
}

TEST(StringFormatTest, AFullColumnIsAStatusAndKeepsTheRowsBefore) {
  const std::vector<Payload> payloads = {{"12345678", 8, false}, {"1234567890", 10, false}};
  BatchBuilder builder(Schema::Make({{"value", DataType::kString, false}}), 16);
  std::vector<DecodeError> failed;
  const absl::Status status = StringDeserializer().Deserialize(payloads, builder, &failed);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("field \"value\""));
  EXPECT_EQ(builder.Finish().num_rows(), 1u);
}

}  // namespace
}  // namespace weir
