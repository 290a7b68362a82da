// The oracle sees what it is there to see.
#include "tests/hosts/counted_oracle.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_feeder.h"

namespace weir {
namespace {

class CountedOracleTest : public testing::Test {
 protected:
  void Take(int64_t id, int64_t count) {
    const std::string key = absl::StrCat("k", id % RecordFeeder::kKeys);
    oracle_.Take(key,
                 absl::StrCat(R"({"key":")", key, R"(","id":)", id, R"(,"count":)", count, "}"),
                 "here");
  }
  void TakeAll(int64_t below) {
    for (int64_t id = 0; id < below; ++id) Take(id, id / RecordFeeder::kKeys + 1);
  }
  CountedOracle oracle_;
};

TEST_F(CountedOracleTest, EachOnceInOrderIsRight) {
  TakeAll(100);
  EXPECT_EQ(oracle_.problem(), "");
  EXPECT_EQ(oracle_.complete_below(), 100);
  EXPECT_EQ(oracle_.taken(), 100);
}

TEST_F(CountedOracleTest, ANumberThatComesAgainIsDuplicated) {
  TakeAll(12);
  Take(6, 2);
  EXPECT_EQ(oracle_.duplicated(), 1);
  EXPECT_EQ(oracle_.problem(), R"({"key":"k0","id":6,"count":2} at here came before)");
}

TEST_F(CountedOracleTest, ANumberThatIsPassedOverIsLost) {
  Take(0, 1);
  Take(12, 3);
  EXPECT_EQ(oracle_.lost(), 1);
  EXPECT_EQ(oracle_.problem(), R"({"key":"k0","id":12,"count":3} at here comes in place of 6)");
}

// State that was lost, or counted twice.
TEST_F(CountedOracleTest, AWrongCountIsWrong) {
  Take(0, 1);
  Take(6, 1);
  EXPECT_EQ(oracle_.wrong(), 1);
  EXPECT_EQ(oracle_.lost() + oracle_.duplicated(), 0);
}

TEST_F(CountedOracleTest, WhatIsNotOursIsWrong) {
  oracle_.Take("k0", "nonsense", "here");
  oracle_.Take("k1", R"({"key":"k0","id":0,"count":1})", "here");
  EXPECT_EQ(oracle_.wrong(), 2);
}

}  // namespace
}  // namespace weir
