#include "common/types/byte_reader.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace weir {
namespace {

TEST(ByteReaderTest, ReadsWhatWasAppended) {
  std::string bytes;
  AppendFixed<uint16_t>(0x1234, &bytes);
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    AppendVarint(value, &bytes);
  }
  AppendSized("text", &bytes);
  ByteReader in(bytes);
  uint16_t number = 0;
  ASSERT_TRUE(in.ReadFixed(&number));
  EXPECT_EQ(number, 0x1234);
  for (const uint64_t value : {uint64_t{0}, uint64_t{127}, uint64_t{128}, UINT64_MAX}) {
    uint64_t read = 1;
    ASSERT_TRUE(in.ReadVarint(&read));
    EXPECT_EQ(read, value);
  }
  absl::string_view text;
  ASSERT_TRUE(in.ReadSized(&text));
  EXPECT_EQ(text, "text");
  EXPECT_TRUE(in.done());
}

bool IsVarint(const std::string& bytes) {
  ByteReader in(bytes);
  uint64_t value = 0;
  return in.ReadVarint(&value) && in.done();
}

TEST(ByteReaderTest, VarintsHaveOneForm) {
  EXPECT_TRUE(IsVarint(std::string("\0", 1)));
  EXPECT_FALSE(IsVarint(""));
  EXPECT_FALSE(IsVarint("\x80"));
  EXPECT_FALSE(IsVarint(std::string("\x80\0", 2)));
  EXPECT_TRUE(IsVarint(std::string(9, '\xFF') + "\x01"));
  EXPECT_FALSE(IsVarint(std::string(9, '\xFF') + "\x02"));
  EXPECT_FALSE(IsVarint(std::string(10, '\xFF') + "\x01"));
}

TEST(ByteReaderTest, NothingBehindTheEnd) {
  ByteReader in("abc");
  uint32_t number = 0;
  EXPECT_FALSE(in.ReadFixed(&number));
  absl::string_view bytes;
  EXPECT_FALSE(in.ReadBytes(4, &bytes));
  EXPECT_FALSE(ByteReader("\x05"
                          "abcd")
                   .ReadSized(&bytes));
  EXPECT_EQ(in.left(), 3u);
}

}  // namespace
}  // namespace weir
