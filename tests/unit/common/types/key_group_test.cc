#include "common/types/key_group.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"

#include "common/types/key_codec.h"

namespace weir {
namespace {

TEST(KeyGroupTest, RangesAreFlinks) {
  // computeKeyGroupRangeForOperatorIndex(10, 3, i): [0, 3], [4, 6], [7, 9].
  EXPECT_EQ(DefaultKeyGroupRange(0, {3, 10}), (KeyGroupRange{0, 4}));
  EXPECT_EQ(DefaultKeyGroupRange(1, {3, 10}), (KeyGroupRange{4, 7}));
  EXPECT_EQ(DefaultKeyGroupRange(2, {3, 10}), (KeyGroupRange{7, 10}));
}

TEST(KeyGroupTest, TheTableIsFlinksToo) {
  for (const uint32_t groups : {1u, 7u, 128u, 1024u, kLargestMaxParallelism}) {
    for (const uint32_t parallelism : {1u, 2u, 3u, 5u, 7u, 100u, 1024u, kLargestMaxParallelism}) {
      if (parallelism > groups) continue;
      const std::vector<uint32_t> table = DefaultKeyGroupTable({parallelism, groups});
      ASSERT_EQ(table.size(), groups);
      for (uint32_t group = 0; group < groups; ++group) {
        // computeOperatorIndexForKeyGroup.
        ASSERT_EQ(table[group], group * parallelism / groups);
      }
    }
  }
}

TEST(KeyGroupTest, LayoutsAreChecked) {
  EXPECT_TRUE(CheckKeyGroupLayout({4, 1024}).ok());
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKeyGroupLayout({0, 1024})));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKeyGroupLayout({5, 4})));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKeyGroupLayout({1, 0})));
  EXPECT_TRUE(absl::IsInvalidArgument(CheckKeyGroupLayout({1, kLargestMaxParallelism + 1})));
}

TEST(KeyGroupTest, KeysAreSpreadEvenly) {
  constexpr uint32_t kGroups = 100;
  constexpr int64_t kKeys = 100'000;
  std::vector<int64_t> keys(kGroups, 0);
  for (int64_t key = 0; key < kKeys; ++key) {
    const uint32_t group = KeyGroupOf(EncodeKey(key), kGroups);
    ASSERT_LT(group, kGroups);
    ++keys[group];
  }
  EXPECT_GT(*std::min_element(keys.begin(), keys.end()), 850);
  EXPECT_LT(*std::max_element(keys.begin(), keys.end()), 1150);
}

}  // namespace
}  // namespace weir
