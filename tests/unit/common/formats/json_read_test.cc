#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/common/formats/json_test_support.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

SchemaPtr FlightSchema() {
  return Schema::Make({{"id", DataType::kInt64, false},
                       {"origin", DataType::kString, false},
                       {"delay", DataType::kInt32, true},
                       {"distance", DataType::kFloat64, true}});
}

SchemaPtr One(DataType type, bool nullable = false) {
  return Schema::Make({{"v", type, nullable}});
}

std::string ReadString(const std::string& literal) {
  JsonReading reading(One(DataType::kString));
  const Batch batch = reading.Read({"{\"v\":" + literal + "}"});
  if (batch.num_rows() == 0) return "refused: " + reading.failed()[0].reason;
  return std::string(batch.column(0).StringAt(0));
}

double ReadDouble(const std::string& literal) {
  JsonReading reading(One(DataType::kFloat64));
  const Batch batch = reading.Read({"{\"v\":" + literal + "}"});
  EXPECT_EQ(batch.num_rows(), 1u) << literal;
  return batch.num_rows() == 1 ? batch.column(0).float64s()[0] : NAN;
}

std::string ReasonFor(DataType type, const std::string& literal) {
  return JsonReading(One(type)).Reason("{\"v\":" + literal + "}");
}

TEST(JsonReadTest, FieldsAreFoundInAnyOrderAmongUnknownKeys) {
  JsonReading reading(FlightSchema());
  const Batch batch = reading.Read({
      R"({"id":1,"origin":"LAS","delay":33,"distance":2176})",
      R"( { "distance" : 1.5 , "x" : [1,{"id":9}] , "delay" : -2 , "origin":"ATL", "id" : 2 } )",
      R"({"id":3,"origin":"MCI"})",
      R"({"origin":"ORD","delay":null,"id":4,"distance":null})",
  });
  ASSERT_TRUE(reading.failed().empty()) << reading.failed()[0].reason;
  ASSERT_EQ(batch.num_rows(), 4u);
  EXPECT_EQ(batch.column(0).int64s()[1], 2);
  EXPECT_EQ(batch.column(1).StringAt(1), "ATL");
  EXPECT_EQ(batch.column(2).int32s()[1], -2);
  EXPECT_EQ(batch.column(3).float64s()[0], 2176.0);
  EXPECT_TRUE(batch.column(2).IsNull(2) && batch.column(3).IsNull(2));
  EXPECT_TRUE(batch.column(2).IsNull(3) && batch.column(3).IsNull(3));
  EXPECT_EQ(batch.column(1).StringAt(3), "ORD");
}

TEST(JsonReadTest, AFailedRowLeavesNothingBehind) {
  JsonReading reading(FlightSchema());
  const Batch batch =
      reading.Read({R"({"id":1,"origin":"A"})", R"({"id":2,"origin":"B","delay":"x"})",
                    R"({"origin":"C","id":3.5})", R"({"id":4,"origin":"D"})"});
  ASSERT_EQ(reading.failed().size(), 2u);
  EXPECT_EQ(reading.failed()[0].row, 1u);
  EXPECT_EQ(reading.failed()[1].row, 2u);
  ASSERT_EQ(batch.num_rows(), 2u);
  EXPECT_EQ(batch.column(0).int64s()[1], 4);
  EXPECT_EQ(batch.column(1).StringAt(1), "D");
}

TEST(JsonReadTest, TheLastOfTwoEqualKeysCounts) {
  JsonReading reading(FlightSchema());
  const Batch batch =
      reading.Read({R"({"id":1,"origin":"A","id":2,"origin":"BCD","delay":1,"delay":null})"});
  ASSERT_EQ(batch.num_rows(), 1u);
  EXPECT_EQ(batch.column(0).int64s()[0], 2);
  EXPECT_EQ(batch.column(1).StringAt(0), "BCD");
  EXPECT_TRUE(batch.column(2).IsNull(0));
}

TEST(JsonReadTest, KeysMayBeEscapedAndLong) {
  const std::string longer(100, 'k');
  JsonReading reading(Schema::Make({{"a\"b", DataType::kInt64, false},
                                    {longer, DataType::kInt64, false},
                                    {"sixteen_bytes_ab", DataType::kInt64, false},
                                    {"fifteen_bytes_a", DataType::kInt64, false}}));
  const std::string text = R"({"a\"b":1,"\u006b)" + longer.substr(1) +
                           R"(":2,"sixteen_bytes_ab":3,"fifteen_bytes_a":4,"sixteen_bytes_abc":9})";
  for (int repeat = 0; repeat < 3; ++repeat) {
    const Batch batch = reading.Read({text});
    ASSERT_EQ(batch.num_rows(), 1u) << reading.failed()[0].reason;
    for (size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(batch.column(i).int64s()[0], static_cast<int64_t>(i) + 1);
    }
  }
}

TEST(JsonReadTest, MissingAndNullFieldsAreNamed) {
  JsonReading reading(FlightSchema());
  EXPECT_EQ(reading.Reason(R"({"id":1})"),
            "field \"origin\": missing, and the field is not nullable");
  EXPECT_EQ(reading.Reason(R"({"id":null,"origin":"A"})"),
            "field \"id\": null, but the field is not nullable");
  EXPECT_EQ(reading.Reason("{}"), "field \"id\": missing, and the field is not nullable");
}

TEST(JsonReadTest, WrongTypesAreNamedWithTheirPlace) {
  EXPECT_EQ(ReasonFor(DataType::kInt32, "\"7\""),
            "field \"v\": expected int32, found string at byte 5");
  EXPECT_EQ(ReasonFor(DataType::kInt64, "true"),
            "field \"v\": expected int64, found bool at byte 5");
  EXPECT_EQ(ReasonFor(DataType::kString, "-7"),
            "field \"v\": expected string, found number at byte 5");
  EXPECT_EQ(ReasonFor(DataType::kFloat64, "[1]"),
            "field \"v\": expected float64, found array at byte 5");
  EXPECT_EQ(ReasonFor(DataType::kBool, "{}"), "field \"v\": expected bool, found object at byte 5");
  EXPECT_THAT(ReasonFor(DataType::kBool, "1"), HasSubstr("expected bool, found number"));
  EXPECT_THAT(ReasonFor(DataType::kTimestamp, "false"),
              HasSubstr("expected timestamp, found bool"));
  EXPECT_THAT(ReasonFor(DataType::kBytes, "1"), HasSubstr("expected bytes, found number"));
}

TEST(JsonReadTest, IntegersAreCheckedForRangeAndForm) {
  JsonReading wide(One(DataType::kInt64));
  const Batch batch =
      wide.Read({R"({"v":9223372036854775807})", R"({"v":-9223372036854775808})", R"({"v":-0})"});
  ASSERT_EQ(batch.num_rows(), 3u);
  EXPECT_EQ(batch.column(0).int64s()[0], INT64_MAX);
  EXPECT_EQ(batch.column(0).int64s()[1], INT64_MIN);
  EXPECT_EQ(batch.column(0).int64s()[2], 0);
  for (const std::string text : {"9223372036854775808", "-9223372036854775809",
                                 "18446744073709551616", "99999999999999999999999999"}) {
    EXPECT_THAT(ReasonFor(DataType::kInt64, text), HasSubstr("outside of the range of int64"));
  }
  EXPECT_THAT(ReasonFor(DataType::kInt32, "2147483648"), HasSubstr("range of int32"));
  EXPECT_THAT(ReasonFor(DataType::kInt32, "-2147483649"), HasSubstr("range of int32"));
  EXPECT_EQ(ReasonFor(DataType::kInt32, "-2147483648"), "");
  EXPECT_THAT(ReasonFor(DataType::kInt64, "1.0"), HasSubstr("a number with a fraction or an exp"));
  EXPECT_THAT(ReasonFor(DataType::kInt64, "1e2"), HasSubstr("a number with a fraction or an exp"));
  for (const std::string text : {"01", "-", "+1", "-01", "1.", "1e", ".5", "0x1", "1_0"}) {
    EXPECT_NE(ReasonFor(DataType::kInt64, text), "") << text;
  }
}

TEST(JsonReadTest, DoublesAreTheNearestOnes) {
  EXPECT_EQ(ReadDouble("0"), 0.0);
  EXPECT_TRUE(std::signbit(ReadDouble("-0.0")));
  EXPECT_EQ(ReadDouble("123"), 123.0);
  EXPECT_EQ(ReadDouble("0.1"), 0.1);
  EXPECT_EQ(ReadDouble("1E+2"), 100.0);
  EXPECT_EQ(ReadDouble("-1.7976931348623157e308"), -1.7976931348623157e308);
  EXPECT_EQ(ReadDouble("5e-324"), 5e-324);
  EXPECT_EQ(ReadDouble("9007199254740993"), 9007199254740992.0);
  EXPECT_EQ(ReadDouble("123456789012345678901234567890"), 123456789012345678901234567890.0);
  EXPECT_EQ(ReadDouble("0.000000000000000000000000000001"), 1e-30);
  EXPECT_EQ(ReadDouble("1e-400"), 0.0);
  EXPECT_EQ(ReadDouble("-1e-99999999999999"), 0.0);
  EXPECT_EQ(ReadDouble("0e99999999999999"), 0.0);
  EXPECT_THAT(ReasonFor(DataType::kFloat64, "1e309"), HasSubstr("outside of the range of float64"));
  EXPECT_THAT(ReasonFor(DataType::kFloat64, "-1e999999999999"), HasSubstr("outside of the range"));
  for (const std::string text : {"NaN", "Infinity", "1.", ".1", "1e+", "00.1", "--1", "1.e1"}) {
    EXPECT_NE(ReasonFor(DataType::kFloat64, text), "") << text;
  }
}

TEST(JsonReadTest, StringsAreUnescaped) {
  EXPECT_EQ(ReadString(R"("")"), "");
  EXPECT_EQ(ReadString(R"("\"\\\/\b\f\n\r\t")"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(ReadString(R"("\u0041\u00e9\u20ac\ud83d\ude00")"),
            "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(ReadString(R"("\u0000x")"), std::string("\0x", 2));
  EXPECT_EQ(ReadString("\"caf\xc3\xa9 and more than sixteen bytes\""),
            "caf\xc3\xa9 and more than sixteen bytes");
  EXPECT_EQ(ReadString("\"0123456789abcdef\\n0123456789abcdef\""),
            "0123456789abcdef\n0123456789abcdef");
  EXPECT_EQ(ReadString("\"\x7f\""), "\x7f");
}

TEST(JsonReadTest, StringsThatAreNotValidAreRefused) {
  for (const std::string text :
       {"\"\\x\"", "\"\\u12g4\"", "\"\\u12\"", "\"\\ud800\"", "\"\\ud800\\n\"",
        "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a\nb\"", "\"\x1f\"", "\"\xff\"", "\"\xc3\"",
        "\"\xe2\x82\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
        "\"long enough for a chunk \xf5\x80\x80\x80\"", "\"abc", "\"abc\\", "'abc'"}) {
    EXPECT_THAT(ReadString(text), HasSubstr("refused: field \"v\": malformed JSON")) << text;
  }
}

TEST(JsonReadTest, BytesAreBase64) {
  JsonReading reading(One(DataType::kBytes));
  const Batch batch = reading.Read({R"({"v":"AP8="})", R"({"v":""})", R"({"v":"Zm9\u0076"})"});
  ASSERT_EQ(batch.num_rows(), 3u);
  EXPECT_EQ(batch.column(0).StringAt(0), std::string_view("\0\xff", 2));
  EXPECT_EQ(batch.column(0).StringAt(2), "foo");
  EXPECT_EQ(reading.Reason(R"({"v":"AP8"})"), "field \"v\": not base64 at byte 10");
}

TEST(JsonReadTest, TimestampsAreTextsOrNumbersOfTheUnit) {
  JsonReading millis(One(DataType::kTimestamp));
  const Batch batch = millis.Read({R"({"v":"2001-01-01 00:01"})", R"({"v":978307260000})"});
  ASSERT_EQ(batch.num_rows(), 2u);
  EXPECT_EQ(batch.column(0).int64s()[0], 978307260000000);
  EXPECT_EQ(batch.column(0).int64s()[1], 978307260000000);
  EXPECT_THAT(millis.Reason(R"({"v":9223372036854775807})"), HasSubstr("range of timestamp"));
  EXPECT_THAT(millis.Reason(R"({"v":"yesterday"})"), HasSubstr("not a timestamp"));
  EXPECT_THAT(millis.Reason(R"({"v":1.5})"), HasSubstr("a number with a fraction"));
  JsonReading micros(One(DataType::kTimestamp),
                     {.timestamps = JsonOptions::Timestamps::kEpochMicros});
  EXPECT_EQ(micros.Read({R"({"v":7})"}).column(0).int64s()[0], 7);
}

TEST(JsonReadTest, TextsThatAreNoObjectAreMalformed) {
  JsonReading reading(One(DataType::kInt64, true));
  EXPECT_EQ(reading.Reason("{}"), "");
  EXPECT_EQ(reading.Reason(" \t\r\n{ } \n"), "");
  EXPECT_EQ(reading.Reason(""), "malformed JSON at byte 0: no object");
  EXPECT_EQ(reading.Reason("{\"v\":1}x"), "malformed JSON at byte 7: more after the object");
  for (const std::string text : {"[]",
                                 "1",
                                 "null",
                                 "\"a\"",
                                 "{",
                                 "{\"",
                                 "{\"v",
                                 "{\"v\"",
                                 "{\"v\":",
                                 "{\"v\":1",
                                 "{\"v\":1,",
                                 "{\"v\":1,}",
                                 "{,}",
                                 "{v:1}",
                                 "{\"v\" 1}",
                                 "{\"v\":1 \"w\":2}",
                                 "{\"v\":}",
                                 "{\"w\":}",
                                 "{\"w\":[1,]}",
                                 "{\"w\":[1 2]}",
                                 "{\"w\":{\"a\"}}",
                                 "{\"w\":{\"a\":1,}}",
                                 "{\"w\":[}",
                                 "{\"w\":tru}",
                                 "{\"w\":nul}",
                                 "{\"w\":falsey}",
                                 "{\"w\":\"\\q\"}",
                                 "{\"w\":\"\xff\"}",
                                 "{\"\xff\":1}",
                                 "{\"w\":01}",
                                 "{\"w\":1e}",
                                 "{\"w\":-}",
                                 "{\"v\":nul}",
                                 "{}{}",
                                 "\xef\xbb\xbf{}",
                                 "{\v\"v\":1}",
                                 "{\"v\":1}\x01"}) {
    EXPECT_THAT(reading.Reason(text), HasSubstr("malformed JSON")) << text;
  }
}

TEST(JsonReadTest, NestingIsBounded) {
  JsonReading reading(One(DataType::kInt64, true));
  const auto nested = [](size_t depth) {
    return "{\"w\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_EQ(reading.Reason(nested(kMaxJsonDepth - 2)), "");
  EXPECT_THAT(reading.Reason(nested(100'000)), HasSubstr("nested too deeply"));
}

TEST(JsonReadTest, NullPayloadsAreListed) {
  JsonDeserializer deserializer(One(DataType::kInt64, true));
  BatchBuilder builder(One(DataType::kInt64, true));
  std::vector<DecodeError> failed;
  ASSERT_TRUE(
      deserializer.Deserialize(std::vector<Payload>{{nullptr, 0, true}}, builder, &failed).ok());
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason, "the payload is null");
}

TEST(JsonReadTest, AnotherSchemaOrAFullColumnIsAStatus) {
  JsonDeserializer deserializer(One(DataType::kString));
  std::vector<DecodeError> failed;
  BatchBuilder other(One(DataType::kInt64));
  EXPECT_EQ(deserializer.Deserialize({}, other, &failed).code(),
            absl::StatusCode::kInvalidArgument);
  BatchBuilder small(One(DataType::kString), 40);
  const std::vector<std::string> texts = {R"({"v":"0123456789"})",
                                          R"({"v":")" + std::string(60, 'x') + "\"}"};
  const absl::Status status = deserializer.Deserialize(PayloadsOf(texts), small, &failed);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("field \"v\""));
  EXPECT_EQ(small.Finish().num_rows(), 1u);
}

TEST(JsonReadTest, ReasonsNeverShowContent) {
  JsonReading reading(FlightSchema());
  for (const std::string text : {R"({"id":"secret"})", R"({"secret":secret})",
                                 R"({"id":1,"origin":"secret\q"})", R"({"secret)"}) {
    const std::string reason = reading.Reason(text);
    EXPECT_NE(reason, "");
    EXPECT_EQ(reason.find("secret"), std::string::npos) << reason;
  }
}

}  // namespace
}  // namespace weir
