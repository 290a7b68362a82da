#include "common/base/bytes_format.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(BytesFormatTest, FormatBytesRounds) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
  EXPECT_EQ(FormatBytes(1536), "1.5 KiB");
  EXPECT_EQ(FormatBytes(uint64_t{64} << 20), "64.0 MiB");
  EXPECT_EQ(FormatBytes(~uint64_t{0}), "16.0 EiB");
}

TEST(BytesFormatTest, FormatByteSizeIsExact) {
  EXPECT_EQ(FormatByteSize(0), "0b");
  EXPECT_EQ(FormatByteSize(1000), "1000b");
  EXPECT_EQ(FormatByteSize(1536 << 10), "1536kb");
  EXPECT_EQ(FormatByteSize(uint64_t{64} << 20), "64mb");
}

TEST(BytesFormatTest, ParseTakesAllUnits) {
  EXPECT_EQ(ParseByteSize("0").value(), 0u);
  EXPECT_EQ(ParseByteSize("512b").value(), 512u);
  EXPECT_EQ(ParseByteSize("4kb").value(), 4096u);
  EXPECT_EQ(ParseByteSize("4 KiB").value(), 4096u);
  EXPECT_EQ(ParseByteSize("64m").value(), uint64_t{64} << 20);
  EXPECT_EQ(ParseByteSize("2GB").value(), uint64_t{2} << 30);
  EXPECT_EQ(ParseByteSize("1t").value(), uint64_t{1} << 40);
}

TEST(BytesFormatTest, ParseRefusesEverythingElse) {
  for (const absl::string_view text : {"", "kb", "-1", "1.5mb", "1xb", "1kbb", "1 b b", "1ib"}) {
    EXPECT_EQ(ParseByteSize(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

TEST(BytesFormatTest, ParseRefusesOverflow) {
  EXPECT_EQ(ParseByteSize("16777215tb").value(), uint64_t{16777215} << 40);
  EXPECT_EQ(ParseByteSize("16777216tb").status().message(), "'16777216tb' is too large");
}

}  // namespace
}  // namespace weir
