// Kafka's primitive types: written as Kafka writes them, read without trust.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

#include "absl/strings/escaping.h"

#include "connectors/kafka/wire/wire_reader.h"
#include "connectors/kafka/wire/wire_writer.h"

namespace weir::kafka {
namespace {

using testing::HasSubstr;

std::string Bytes(const std::string& hex) { return absl::HexStringToBytes(hex); }

template <class F>
std::string Written(F write) {
  WireWriter writer;
  write(writer);
  return absl::BytesToHexString(writer.bytes());
}

TEST(WirePrimitivesTest, Integers) {
  EXPECT_EQ(Written([](WireWriter& writer) {
              writer.Int8(-2);
              writer.Int16(-2);
              writer.Int32(0x01020304);
              writer.Int64(std::numeric_limits<int64_t>::min());
              writer.Bool(true);
            }),
            "fefffe01020304800000000000000001");
  const std::string input = Bytes("fefffe01020304800000000000000001");
  WireReader reader(input);
  EXPECT_EQ(reader.Int8("a"), -2);
  EXPECT_EQ(reader.Int16("b"), -2);
  EXPECT_EQ(reader.Int32("c"), 0x01020304);
  EXPECT_EQ(reader.Int64("d"), std::numeric_limits<int64_t>::min());
  EXPECT_TRUE(reader.Bool("e"));
  EXPECT_EQ(reader.remaining(), 0u);
  EXPECT_TRUE(reader.ok());
}

TEST(WirePrimitivesTest, VariableLengthIntegers) {
  for (const uint32_t value : {0u, 1u, 127u, 128u, 300u, 0x7fffffffu, 0xffffffffu}) {
    WireWriter writer;
    writer.Uvarint(value);
    WireReader reader(writer.bytes());
    EXPECT_EQ(reader.Uvarint("v"), value);
    EXPECT_TRUE(reader.ok() && reader.remaining() == 0) << value;
  }
  for (const int32_t value : {0, 1, -1, 63, -64, 64, std::numeric_limits<int32_t>::max(),
                              std::numeric_limits<int32_t>::min()}) {
    WireWriter writer;
    writer.Varint(value);
    WireReader reader(writer.bytes());
    EXPECT_EQ(reader.Varint("v"), value);
    EXPECT_TRUE(reader.ok() && reader.remaining() == 0) << value;
  }
  EXPECT_EQ(Written([](WireWriter& writer) { writer.Uvarint(300); }), "ac02");
  EXPECT_EQ(Written([](WireWriter& writer) { writer.Varint(-1); }), "01");
}

TEST(WirePrimitivesTest, AVariableLengthIntegerThatDoesNotEnd) {
  for (const std::string hex : {"ffffffffff", "ffffffff10", "ffffffff"}) {
    const std::string input = Bytes(hex);
    WireReader reader(input);
    EXPECT_EQ(reader.Uvarint("tag"), 0u);
    EXPECT_EQ(reader.status().code(), absl::StatusCode::kDataLoss) << hex;
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr("tag")) << hex;
  }
}

TEST(WirePrimitivesTest, StringsAndBytes) {
  const std::string hex = "00026162ffff036162000000000163ffffffff026300";
  EXPECT_EQ(Written([](WireWriter& writer) {
              writer.String("ab");
              writer.NullableString(std::nullopt);
              writer.CompactString("ab");
              writer.CompactNullableString(std::nullopt);
              writer.NullableBytes("c");
              writer.NullableBytes(std::nullopt);
              writer.CompactNullableBytes("c");
              writer.CompactNullableBytes(std::nullopt);
            }),
            hex);
  const std::string input = Bytes(hex);
  WireReader reader(input);
  EXPECT_EQ(reader.String("a"), "ab");
  EXPECT_EQ(reader.NullableString("b"), std::nullopt);
  EXPECT_EQ(reader.CompactString("c"), "ab");
  EXPECT_EQ(reader.CompactNullableString("d"), std::nullopt);
  EXPECT_EQ(reader.NullableBytes("e"), "c");
  EXPECT_EQ(reader.NullableBytes("f"), std::nullopt);
  EXPECT_EQ(reader.CompactNullableBytes("g"), "c");
  EXPECT_EQ(reader.CompactNullableBytes("h"), std::nullopt);
  EXPECT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(WirePrimitivesTest, NullsAndLengthsThatCannotBe) {
  struct Case {
    std::string hex;
    std::string problem;
  };
  for (const Case& bad :
       {Case{"ffff", "id: null"}, Case{"fffe", "id: a length of -2"},
        Case{"0005616263", "id: truncated"}, Case{"00", "id: truncated at byte 0 of 1"}}) {
    const std::string input = Bytes(bad.hex);
    WireReader reader(input);
    EXPECT_EQ(reader.String("id"), "");
    EXPECT_THAT(std::string(reader.status().message()), HasSubstr(bad.problem));
  }
  const std::string compact_null = Bytes("00");
  WireReader reader(compact_null);
  EXPECT_EQ(reader.CompactString("id"), "");
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("id: null"));
}

TEST(WirePrimitivesTest, ACountIsNeverAboveWhatIsLeft) {
  const std::string classic = Bytes("00000003aabb");
  WireReader reader(classic);
  EXPECT_EQ(reader.ArrayLength("list"), std::nullopt);
  EXPECT_FALSE(reader.ok());
  const std::string compact = Bytes("04aabbcc");
  WireReader enough(compact);
  EXPECT_EQ(enough.CompactArrayLength("list"), 3u);
  EXPECT_TRUE(enough.ok());
}

TEST(WirePrimitivesTest, TheFirstErrorStays) {
  const std::string input = Bytes("01");
  WireReader reader(input);
  reader.Int32("first");
  EXPECT_EQ(reader.Int8("second"), 0);
  EXPECT_EQ(reader.String("third"), "");
  EXPECT_THAT(std::string(reader.status().message()), HasSubstr("first"));
}

TEST(WirePrimitivesTest, TaggedFieldsAreSkippedWithinTheInput) {
  const std::string good = Bytes("020102aabb0500ff");
  WireReader reader(good);
  reader.SkipTaggedFields("tags");
  EXPECT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader.remaining(), 1u);
  const std::string bad = Bytes("ffffffff0f010aaa");
  WireReader cut(bad);
  cut.SkipTaggedFields("tags");
  EXPECT_FALSE(cut.ok());
}

}  // namespace
}  // namespace weir::kafka
