#include "common/formats/kafka_serde.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "absl/status/status.h"

#include "common/formats/number_format.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

Payload Of(std::string_view text) { return {text.data(), text.size(), false}; }

SchemaPtr OneColumn(DataType type, bool nullable = false) {
  return Schema::Make({{"value", type, nullable}});
}

/// The reason why the payload is refused, or an empty text.
std::string Reason(NumberWire wire, const Payload& payload) {
  BatchBuilder builder(OneColumn(NumberWireType(wire)));
  std::vector<DecodeError> failed;
  const absl::Status status =
      NumberDeserializer(wire).Deserialize(std::vector<Payload>{payload}, builder, &failed);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(builder.rows() + failed.size(), 1u);
  return failed.empty() ? "" : failed[0].reason;
}

Batch Read(NumberWire wire, std::string_view bytes) {
  BatchBuilder builder(OneColumn(NumberWireType(wire)));
  std::vector<DecodeError> failed;
  const absl::Status status =
      NumberDeserializer(wire).Deserialize(std::vector<Payload>{Of(bytes)}, builder, &failed);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(failed.empty()) << failed[0].reason;
  return builder.Finish();
}

std::string Write(NumberWire wire, const Batch& batch) {
  ByteRows rows;
  const absl::Status status = NumberSerializer(wire).Serialize(batch, &rows);
  EXPECT_TRUE(status.ok()) << status;
  return std::string(rows[0].data, rows[0].size);
}

TEST(KafkaSerdeTest, KnowsTheClassesOfKafka) {
  const std::string package = "org.apache.kafka.common.serialization.";
  const std::vector<std::pair<std::string, DataType>> classes = {
      {"String", DataType::kString},    {"ByteArray", DataType::kBytes},
      {"ByteBuffer", DataType::kBytes}, {"Bytes", DataType::kBytes},
      {"Short", DataType::kInt32},      {"Integer", DataType::kInt32},
      {"Long", DataType::kInt64},       {"Float", DataType::kFloat64},
      {"Double", DataType::kFloat64},   {"UUID", DataType::kString},
      {"Void", DataType::kBytes}};
  for (const auto& [name, type] : classes) {
    const auto writer = FindKafkaSerde(package + name + "Serializer");
    const auto reader = FindKafkaSerde(package + name + "Deserializer");
    ASSERT_TRUE(writer.has_value() && reader.has_value()) << name;
    EXPECT_EQ(writer->role, KafkaSerde::Role::kSerializer);
    EXPECT_EQ(reader->role, KafkaSerde::Role::kDeserializer);
    EXPECT_EQ(reader->type, type) << name;
    EXPECT_EQ(reader->nullable_only, name == "Void");
    EXPECT_NE(reader->make_deserializer(), nullptr);
    EXPECT_NE(writer->make_serializer(), nullptr);
  }
  EXPECT_EQ(KafkaSerdeNames().size(), 2 * classes.size());
  for (const std::string& name : KafkaSerdeNames()) EXPECT_TRUE(FindKafkaSerde(name).has_value());
}

TEST(KafkaSerdeTest, KnowsNoOtherClass) {
  for (const std::string_view name :
       {"", "StringSerializer", "org.apache.kafka.common.serialization.String",
        "org.apache.kafka.common.serialization.StringSerializers",
        "org.apache.kafka.common.serialization.ListSerializer",
        "io.confluent.kafka.serializers.KafkaAvroSerializer"}) {
    EXPECT_FALSE(FindKafkaSerde(name).has_value()) << name;
  }
}

// The bytes are what java.nio.ByteBuffer.putShort, putInt, ... put.
TEST(NumberFormatTest, NumbersAreBigEndian) {
  EXPECT_EQ(Read(NumberWire::kInt16, "\xff\xfe").column(0).int32s()[0], -2);
  EXPECT_EQ(Read(NumberWire::kInt32, std::string_view("\x00\x00\x01\x02", 4)).column(0).int32s()[0],
            258);
  EXPECT_EQ(Read(NumberWire::kInt64, "\xff\xff\xff\xff\xff\xff\xff\xff").column(0).int64s()[0], -1);
  EXPECT_EQ(
      Read(NumberWire::kFloat32, std::string_view("\xc0\x20\x00\x00", 4)).column(0).float64s()[0],
      -2.5);
  EXPECT_EQ(Read(NumberWire::kFloat64, std::string_view("\x3f\xf8\x00\x00\x00\x00\x00\x00", 8))
                .column(0)
                .float64s()[0],
            1.5);
}

TEST(NumberFormatTest, WhatWasReadIsWrittenAlike) {
  const std::vector<std::pair<NumberWire, std::string>> cases = {
      {NumberWire::kInt16, std::string("\x80\x00", 2)},
      {NumberWire::kInt32, std::string("\x80\x00\x00\x01", 4)},
      {NumberWire::kInt64, std::string("\x80\x00\x00\x00\x00\x00\x00\x07", 8)},
      {NumberWire::kFloat32, std::string("\x41\x20\x00\x01", 4)},
      {NumberWire::kFloat64, std::string("\x7f\xf0\x00\x00\x00\x00\x00\x00", 8)},
      {NumberWire::kUuid, "123e4567-e89b-12d3-a456-426614174000"}};
  for (const auto& [wire, bytes] : cases) EXPECT_EQ(Write(wire, Read(wire, bytes)), bytes);
}

TEST(NumberFormatTest, RefusesPayloadsOfAnotherSize) {
  EXPECT_EQ(Reason(NumberWire::kInt32, Of("123")),
            "the payload of field \"value\" has 3 bytes instead of 4");
  EXPECT_THAT(Reason(NumberWire::kInt64, Of("123456789")), HasSubstr("9 bytes instead of 8"));
  EXPECT_THAT(Reason(NumberWire::kInt16, Of("")), HasSubstr("0 bytes instead of 2"));
  EXPECT_THAT(Reason(NumberWire::kFloat64, {nullptr, 0, true}), HasSubstr("is not nullable"));
}

TEST(NumberFormatTest, UuidsAreCheckedAndMadeLowerCase) {
  EXPECT_EQ(Read(NumberWire::kUuid, "123E4567-E89B-12D3-A456-426614174000").column(0).StringAt(0),
            "123e4567-e89b-12d3-a456-426614174000");
  EXPECT_THAT(Reason(NumberWire::kUuid, Of("123e4567-e89b-12d3-a456-42661417400g")),
              HasSubstr("not a UUID"));
  EXPECT_THAT(Reason(NumberWire::kUuid, Of("123e4567e89b-12d3-a456-4266141740000")),
              HasSubstr("not a UUID"));
}

TEST(NumberFormatTest, WritingNamesFieldAndRowThatDoNotFit) {
  BatchBuilder builder(OneColumn(DataType::kInt32));
  builder.column(0).AppendInt32(1);
  builder.column(0).AppendInt32(40'000);
  builder.CommitRows(2);
  ByteRows rows;
  rows.Append("before");
  const absl::Status status =
      NumberSerializer(NumberWire::kInt16).Serialize(builder.Finish(), &rows);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("field \"value\", row 1"));
  EXPECT_EQ(rows.size(), 1u);
}

TEST(NumberFormatTest, VoidIsAlwaysNull) {
  EXPECT_EQ(FindKafkaSerde("org.apache.kafka.common.serialization.VoidDeserializer")->type,
            DataType::kBytes);
  BatchBuilder builder(OneColumn(DataType::kString, true));
  std::vector<DecodeError> failed;
  NumberDeserializer reader(NumberWire::kVoid);
  ASSERT_TRUE(
      reader.Deserialize(std::vector<Payload>{{nullptr, 0, true}, Of("x")}, builder, &failed).ok());
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, "the payload should be null");
  const Batch batch = builder.Finish();
  EXPECT_TRUE(batch.column(0).IsNull(0));
  ByteRows rows;
  ASSERT_TRUE(NumberSerializer(NumberWire::kVoid).Serialize(batch, &rows).ok());
  EXPECT_TRUE(rows[0].null);

  BatchBuilder strict(OneColumn(DataType::kString));
  EXPECT_EQ(reader.Deserialize({}, strict, &failed).code(), absl::StatusCode::kInvalidArgument);
}

TEST(NumberFormatTest, LongsMayBeTimestampsAndNothingElse) {
  std::vector<DecodeError> failed;
  BatchBuilder times(OneColumn(DataType::kTimestamp));
  EXPECT_TRUE(NumberDeserializer(NumberWire::kInt64).Deserialize({}, times, &failed).ok());
  BatchBuilder texts(OneColumn(DataType::kString));
  EXPECT_FALSE(NumberDeserializer(NumberWire::kInt64).Deserialize({}, texts, &failed).ok());
}

}  // namespace
}  // namespace weir
