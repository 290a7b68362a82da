#include <gtest/gtest.h>

#include <string>

#include "common/base/seeded_random.h"
#include "common/formats/base64.h"
#include "common/formats/timestamp_text.h"

namespace weir {
namespace {

std::string Encode(const std::string& bytes) {
  std::string text(Base64Length(bytes.size()), '\0');
  EXPECT_EQ(EncodeBase64(bytes, text.data()), text.size());
  return text;
}

bool Decode(const std::string& text, std::string* bytes) {
  bytes->assign(text.size(), '\0');
  size_t size = 0;
  const bool ok = DecodeBase64(text, bytes->data(), &size);
  bytes->resize(size);
  return ok;
}

// Test vectors of RFC 4648, section 10.
TEST(Base64Test, AgreesWithTheRfc) {
  EXPECT_EQ(Encode(""), "");
  EXPECT_EQ(Encode("f"), "Zg==");
  EXPECT_EQ(Encode("fo"), "Zm8=");
  EXPECT_EQ(Encode("foo"), "Zm9v");
  EXPECT_EQ(Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(Encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Encode("foobar"), "Zm9vYmFy");
}

TEST(Base64Test, EveryLengthComesBack) {
  SeededRandom random(7);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.Below(256));
    std::string again;
    ASSERT_TRUE(Decode(Encode(bytes), &again)) << size;
    EXPECT_EQ(again, bytes);
  }
}

TEST(Base64Test, RefusesWhatEncodingNeverWrites) {
  std::string bytes;
  for (const std::string text :
       {"Zg", "Zg=", "Zh==", "Zm9=", "=m9v", "Z===", "Zg==Zg==", "Zm9*", "Zm9\n", "====", "Zm=v"}) {
    EXPECT_FALSE(Decode(text, &bytes)) << text;
  }
}

std::string Write(int64_t micros, bool iso8601 = false) {
  char text[kMaxTimestampText];
  return std::string(text, WriteTimestampText(micros, iso8601, text));
}

TEST(TimestampTextTest, WritesBothForms) {
  EXPECT_EQ(Write(0), "1970-01-01 00:00:00");
  EXPECT_EQ(Write(978307260500000), "2001-01-01 00:01:00.5");
  EXPECT_EQ(Write(978307260500000, true), "2001-01-01T00:01:00.5Z");
  EXPECT_EQ(Write(-1), "1969-12-31 23:59:59.999999");
  EXPECT_EQ(Write(951782400000000), "2000-02-29 00:00:00");
  EXPECT_EQ(Write(253402300799999999, true), "9999-12-31T23:59:59.999999Z");
  EXPECT_EQ(Write(253402300800000000), "");
  EXPECT_EQ(Write(-62167219200000000), "0000-01-01 00:00:00");
  EXPECT_EQ(Write(-62167219200000001), "");
  EXPECT_EQ(Write(INT64_MIN), "");
  EXPECT_EQ(Write(INT64_MAX), "");
}

TEST(TimestampTextTest, WhatIsWrittenIsReadBack) {
  SeededRandom random(11);
  for (int i = 0; i < 20'000; ++i) {
    const auto span = static_cast<uint64_t>(253402300799999999 + 62167219200000000);
    const int64_t micros = -62167219200000000 + static_cast<int64_t>(random.Below(span));
    int64_t again = 0;
    ASSERT_TRUE(ParseTimestampText(Write(micros, i % 2 == 0), &again)) << micros;
    ASSERT_EQ(again, micros);
  }
}

TEST(TimestampTextTest, ReadsTheUsualVariants) {
  const auto read = [](const std::string& text) {
    int64_t micros = -1;
    EXPECT_TRUE(ParseTimestampText(text, &micros)) << text;
    return micros;
  };
  EXPECT_EQ(read("2001-01-01 00:01"), 978307260000000);
  EXPECT_EQ(read("2001-01-01T00:01:00"), 978307260000000);
  EXPECT_EQ(read("2001-01-01T02:01:00+02:00"), 978307260000000);
  EXPECT_EQ(read("2000-12-31T23:31:00-00:30"), 978307260000000);
  EXPECT_EQ(read("2001-01-01 00:01:00.123456789Z"), 978307260123456);
}

TEST(TimestampTextTest, RefusesDatesThatDoNotExistAndOtherForms) {
  int64_t micros = 0;
  for (const std::string text :
       {"", "2001-01-01", "2001-02-29 00:00:00", "2001-13-01 00:00:00", "2001-00-01 00:00:00",
        "2001-01-32 00:00:00", "2001-01-00 00:00:00", "2001-01-01 24:00:00", "2001-01-01 00:60:00",
        "2001-01-01 00:00:60", "2001-01-01 00:00:00.", "2001-01-01 00:00:00.1234567890",
        "2001-01-01 00:00:00+2", "2001-01-01 00:00:00ZZ", "2001-1-1 00:00:00",
        "01-01-2001 00:00:00", "2001-01-01_00:00:00", "2001-04-31 00:00:00"}) {
    EXPECT_FALSE(ParseTimestampText(text, &micros)) << text;
  }
}

}  // namespace
}  // namespace weir
