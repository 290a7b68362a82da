#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/unit/common/formats/json_test_support.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Batch OneColumn(DataType type, void (*append)(ColumnBuilder&)) {
  BatchBuilder builder(Schema::Make({{"v", type, true}}));
  append(builder.column(0));
  builder.CommitRows(builder.column(0).length());
  return builder.Finish();
}

TEST(JsonWriteTest, WritesAllFieldsInSchemaOrder) {
  BatchBuilder builder(Schema::Make({{"flag", DataType::kBool, false},
                                     {"small", DataType::kInt32, false},
                                     {"a rather long field name", DataType::kInt64, true},
                                     {"text", DataType::kString, true},
                                     {"raw", DataType::kBytes, true},
                                     {"at", DataType::kTimestamp, false}}));
  builder.column(0).AppendBool(true);
  builder.column(1).AppendInt32(-7);
  builder.column(2).AppendInt64(INT64_MIN);
  builder.column(3).AppendBytes("LAS");
  builder.column(4).AppendBytes("foob");
  builder.column(5).AppendInt64(978307260500000);
  builder.CommitRow();
  builder.column(0).AppendBool(false);
  builder.column(1).AppendInt32(0);
  builder.column(2).AppendNull();
  builder.column(3).AppendNull();
  builder.column(4).AppendNull();
  builder.column(5).AppendInt64(0);
  builder.CommitRow();
  EXPECT_THAT(
      WriteJson(builder.Finish()),
      ElementsAre(R"({"flag":true,"small":-7,"a rather long field name":-9223372036854775808,)"
                  R"("text":"LAS","raw":"Zm9vYg==","at":"2001-01-01 00:01:00.5"})",
                  R"({"flag":false,"small":0,"a rather long field name":null,)"
                  R"("text":null,"raw":null,"at":"1970-01-01 00:00:00"})"));
}

TEST(JsonWriteTest, NumbersAreTheShortestThatReadBack) {
  const Batch batch = OneColumn(DataType::kFloat64, [](ColumnBuilder& column) {
    for (const double value : {0.1, 5.0, -0.0, 1e22, 5e-324, 1.7976931348623157e308}) {
      column.AppendFloat64(value);
    }
  });
  EXPECT_THAT(WriteJson(batch),
              ElementsAre(R"({"v":0.1})", R"({"v":5})", R"({"v":-0})", R"({"v":1e+22})",
                          R"({"v":5e-324})", R"({"v":1.7976931348623157e+308})"));
}

TEST(JsonWriteTest, WhatJsonCannotSayIsNull) {
  const Batch batch = OneColumn(DataType::kFloat64, [](ColumnBuilder& column) {
    column.AppendFloat64(std::numeric_limits<double>::quiet_NaN());
    column.AppendFloat64(-std::numeric_limits<double>::infinity());
  });
  EXPECT_THAT(WriteJson(batch), ElementsAre(R"({"v":null})", R"({"v":null})"));
}

TEST(JsonWriteTest, StringsAreEscaped) {
  const Batch batch = OneColumn(DataType::kString, [](ColumnBuilder& column) {
    column.AppendBytes("\"\\/\b\f\n\r\t");
    column.AppendBytes(std::string_view("\0\x1f\x7f", 3));
    column.AppendBytes("0123456789abcde\"0123456789abcdef\n01234567\\0");
    column.AppendBytes("caf\xc3\xa9 \xf0\x9f\x98\x80");
    column.AppendBytes("");
  });
  EXPECT_THAT(WriteJson(batch),
              ElementsAre(R"({"v":"\"\\/\b\f\n\r\t"})", "{\"v\":\"\\u0000\\u001f\x7f\"}",
                          R"({"v":"0123456789abcde\"0123456789abcdef\n01234567\\0"})",
                          "{\"v\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\"}", R"({"v":""})"));
}

TEST(JsonWriteTest, BytesThatAreNotUtf8AreReplaced) {
  const Batch batch = OneColumn(DataType::kString, [](ColumnBuilder& column) {
    column.AppendBytes("a\xff\"b\xc3\xa9\xe2\x82");
  });
  EXPECT_THAT(WriteJson(batch),
              ElementsAre("{\"v\":\"a\xef\xbf\xbd\\\"b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\"}"));
}

TEST(JsonWriteTest, FieldNamesAreEscapedAndMayBeNone) {
  BatchBuilder named(Schema::Make({{"a\"\n", DataType::kBool, false}}));
  named.column(0).AppendBool(true);
  named.CommitRow();
  EXPECT_THAT(WriteJson(named.Finish()), ElementsAre(R"({"a\"\n":true})"));
  BatchBuilder none(Schema::Make({}));
  none.CommitRow();
  EXPECT_THAT(WriteJson(none.Finish()), ElementsAre("{}"));
}

TEST(JsonWriteTest, TimestampsFollowTheOption) {
  const Batch batch = OneColumn(DataType::kTimestamp, [](ColumnBuilder& column) {
    column.AppendInt64(978307260123456);
    column.AppendInt64(-1);
  });
  using Timestamps = JsonOptions::Timestamps;
  EXPECT_THAT(WriteJson(batch, {Timestamps::kIso8601}),
              ElementsAre(R"({"v":"2001-01-01T00:01:00.123456Z"})",
                          R"({"v":"1969-12-31T23:59:59.999999Z"})"));
  EXPECT_THAT(WriteJson(batch, {Timestamps::kEpochMillis}),
              ElementsAre(R"({"v":978307260123})", R"({"v":-1})"));
  EXPECT_THAT(WriteJson(batch, {Timestamps::kEpochMicros}),
              ElementsAre(R"({"v":978307260123456})", R"({"v":-1})"));
}

TEST(JsonWriteTest, ATimestampThatHasNoTextIsAnErrorThatLeavesNothing) {
  const Batch batch = OneColumn(DataType::kTimestamp, [](ColumnBuilder& column) {
    column.AppendInt64(0);
    column.AppendInt64(INT64_MAX);
  });
  ByteRows rows;
  const absl::Status status = JsonSerializer(batch.schema()).Serialize(batch, &rows);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("field \"v\", row 1"));
  EXPECT_EQ(rows.size(), 0u);
}

TEST(JsonWriteTest, RefusesBatchesOfAnotherSchema) {
  const Batch batch = OneColumn(DataType::kBool, [](ColumnBuilder&) {});
  ByteRows rows;
  EXPECT_EQ(JsonSerializer(Schema::Make({})).Serialize(batch, &rows).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace weir
