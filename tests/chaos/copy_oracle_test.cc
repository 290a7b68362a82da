#include "tests/chaos/copy_oracle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

CopyOracle Taken(const std::vector<int64_t>& ids) {
  CopyOracle oracle;
  for (const int64_t id : ids) oracle.Take(NumberedKey(id), NumberedJson(id), "here");
  return oracle;
}

TEST(CopyOracleTest, EachIdOnceWithKeysInAnyOrder) {
  const CopyOracle oracle = Taken({1, 0, 2, 3, 7, 6, 5, 4, 15, 8});
  EXPECT_THAT(oracle.problem(), IsEmpty());
  EXPECT_EQ(oracle.taken(), 10);
  EXPECT_EQ(oracle.complete_below(), 9);
}

TEST(CopyOracleTest, LostId) {
  const CopyOracle oracle = Taken({0, 1, 2, 3, 4, 5, 6, 7, 16});
  EXPECT_EQ(oracle.missing(), 1);
  EXPECT_EQ(oracle.repeated(), 0);
  EXPECT_THAT(oracle.problem(), HasSubstr("id 8 and 0 more of its key are missing before id 16"));
}

TEST(CopyOracleTest, IdThatComesAgain) {
  const CopyOracle oracle = Taken({0, 8, 8});
  EXPECT_EQ(oracle.repeated(), 1);
  EXPECT_EQ(oracle.missing(), 0);
  EXPECT_THAT(oracle.problem(), HasSubstr("id 8 comes again"));
}

TEST(CopyOracleTest, IdsOfAKeyOutOfOrder) {
  const CopyOracle oracle = Taken({8, 0});
  EXPECT_EQ(oracle.missing(), 1);
  EXPECT_EQ(oracle.repeated(), 1);
}

TEST(CopyOracleTest, WhatIsNotOneOfOurs) {
  CopyOracle oracle;
  oracle.Take("k1", NumberedJson(0), "here");
  oracle.Take("k0", "{\"id\":0}", "here");
  oracle.Take("k0", "garbage", "here");
  EXPECT_EQ(oracle.wrong(), 3);
  EXPECT_EQ(oracle.complete_below(), 0);
  EXPECT_THAT(oracle.problem(), HasSubstr("under key k1"));
}

}  // namespace
}  // namespace weir
