#include "common/base/check.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(CheckTest, PassingConditionIsEvaluatedOnceAndItsMessageNever) {
  int conditions = 0;
  int messages = 0;
  WEIR_CHECK(++conditions == 1) << ++messages;
  EXPECT_EQ(conditions, 1);
  EXPECT_EQ(messages, 0);
}

TEST(CheckTest, StandsAsTheOnlyStatementOfAnIf) {
  bool otherwise = false;
  if (otherwise)
    WEIR_CHECK(false) << "not reached";
  else
    otherwise = true;
  EXPECT_TRUE(otherwise);
}

TEST(CheckDeathTest, FailureNamesPlaceConditionAndMessage) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int epoch = 7;
  EXPECT_DEATH(WEIR_CHECK(epoch < 7) << "epoch " << epoch,
               "check_test.cc:[0-9]+: WEIR_CHECK\\(epoch < 7\\) failed: epoch 7");
}

TEST(CheckDeathTest, FailurePrintsABacktrace) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(WEIR_CHECK(false), "    @ +0x");
}

}  // namespace
}  // namespace weir
