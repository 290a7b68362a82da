#include "common/base/stable_hash.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

// All values computed with libxxhash 0.8.1. They are on disk: a change breaks every job.
TEST(StableHashTest, GivesTheValuesOfXxh64) {
  EXPECT_EQ(StableHash64(""), 0xef46db3751d8e999u);
  EXPECT_EQ(StableHash64("a"), 0xd24ec4f1a98c6e5bu);
  EXPECT_EQ(StableHash64("abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(StableHash64("weir"), 0x25cb98be5b82688eu);
  EXPECT_EQ(StableHash64("12345678"), 0xd2d02f08cf7cfd4au);
  EXPECT_EQ(StableHash64("0123456789abcdef0123456789abcdef"), 0x642a94958e71e6c5u);
}

TEST(StableHashTest, SeedChangesTheValueAsInXxh64) {
  EXPECT_EQ(StableHash64("", 2654435761), 0xac75fda2929b17efu);
  EXPECT_EQ(StableHash64("abc", 2654435761), 0x1318df30094a85fdu);
  EXPECT_EQ(StableHash64("0123456789abcdef0123456789abcdef", 2654435761), 0xdfad85ccf8285222u);
}

TEST(StableHashTest, AllLengthsGiveTheValuesOfXxh64) {
  std::string bytes;
  for (unsigned i = 0; i < 200; ++i) bytes.push_back(static_cast<char>((i * 131 + 7) % 256));
  uint64_t combined = 0;
  for (size_t n = 0; n < bytes.size(); ++n) {
    combined = combined * 31 + StableHash64(absl::string_view(bytes).substr(0, n), n);
  }
  EXPECT_EQ(combined, 0x4606739076488799u);
}

TEST(StableHashTest, NumberHashesAsItsEightBytes) {
  EXPECT_EQ(StableHash64(uint64_t{0x3837363534333231}), StableHash64("12345678"));
  EXPECT_EQ(StableHash64(uint64_t{0x3837363534333231}, 5), StableHash64("12345678", 5));
}

}  // namespace
}  // namespace weir
