// When a split that has had no record for a while is known to be silent.
#include <gtest/gtest.h>

#include <optional>

#include "taskmanager/task/split_watermarks.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

/// Two splits that have had a record at 0, idle after ten seconds: 16 polls prove silence, and a
/// look is late after 625 ms.
class SilenceOfSplits : public ::testing::Test {
 protected:
  SilenceOfSplits() {
    const auto strategy = HighestTimeStrategy();
    strategy->idle_after = absl::Seconds(10);
    watermarks_.emplace(strategy);
    EXPECT_TRUE(watermarks_->AddSplit({"a", "0", {}, false}, kNow).ok());
    EXPECT_TRUE(watermarks_->AddSplit({"b", "0", {}, false}, kNow).ok());
    watermarks_->OnBatch(0, *MakeBatch({1}, {10}), kNow);
    watermarks_->OnBatch(1, *MakeBatch({1}, {20}), kNow);
    watermarks_->Look(kNow, /*ran_dry=*/true);
  }

  /// A poll that gives a record of the first split.
  void PollFirst(absl::Duration now) {
    watermarks_->OnBatch(0, *MakeBatch({1}, {100}), now);
    watermarks_->Look(now, /*ran_dry=*/false);
  }
  bool second_is_idle() const { return watermarks_->SplitIsIdle(1); }

  std::optional<SplitWatermarks> watermarks_;
};

TEST_F(SilenceOfSplits, AReaderThatIsDryInTimeProvesIt) {
  PollFirst(absl::Seconds(6));
  watermarks_->Look(absl::Seconds(6), /*ran_dry=*/true);
  EXPECT_EQ(watermarks_->UntilNextIdle(absl::Seconds(6)), absl::Seconds(4));
  watermarks_->Look(absl::Seconds(10), /*ran_dry=*/true);
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, ARecordOfAnotherSplitProvesNothing) {
  PollFirst(absl::Seconds(10));
  EXPECT_FALSE(second_is_idle()) << "its own may lie behind";
  watermarks_->Look(absl::Seconds(10), /*ran_dry=*/true);
  EXPECT_TRUE(second_is_idle());
}

// The client has stood still as well, and has nothing yet of what came meanwhile.
TEST_F(SilenceOfSplits, AfterAPauseADryReaderProvesItALittleLater) {
  watermarks_->Look(absl::Seconds(60), /*ran_dry=*/true);
  EXPECT_FALSE(second_is_idle());
  EXPECT_EQ(watermarks_->UntilNextIdle(absl::Seconds(60)), absl::Milliseconds(1250));
  watermarks_->Look(absl::Seconds(61), /*ran_dry=*/true);
  EXPECT_FALSE(second_is_idle());
  watermarks_->Look(absl::Milliseconds(61250), /*ran_dry=*/true);
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, AfterAPauseInWhichOneHasMoreToo) {
  PollFirst(absl::Seconds(60));
  watermarks_->Look(absl::Milliseconds(60001), /*ran_dry=*/true);
  EXPECT_FALSE(second_is_idle());
  watermarks_->Look(absl::Milliseconds(61250), /*ran_dry=*/true);
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, OfATaskThatIsAlwaysLateTheSecondDryLookProvesIt) {
  watermarks_->Look(absl::Seconds(60), /*ran_dry=*/true);
  watermarks_->Look(absl::Seconds(120), /*ran_dry=*/true);
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, PollsThatNeverRunDryProveItWhenItIsTime) {
  for (int tenth = 1; tenth < 100; ++tenth) PollFirst(absl::Milliseconds(100) * tenth);
  EXPECT_FALSE(second_is_idle());
  PollFirst(absl::Seconds(10));
  EXPECT_TRUE(second_is_idle());
  EXPECT_EQ(watermarks_->Advance(), EventTime::FromMicros(100));
}

TEST_F(SilenceOfSplits, PollsAreCountedFromWhereTheReaderWasDry) {
  watermarks_->Look(absl::Milliseconds(9900), /*ran_dry=*/true);
  for (int poll = 1; poll < 16; ++poll) {
    PollFirst(absl::Milliseconds(9990 + poll));
    EXPECT_FALSE(second_is_idle()) << poll;
  }
  PollFirst(absl::Milliseconds(10010));
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, PollsAreCountedAnewAfterAPause) {
  for (int tenth = 1; tenth <= 90; ++tenth) PollFirst(absl::Milliseconds(100) * tenth);
  PollFirst(absl::Seconds(60));
  EXPECT_FALSE(second_is_idle());
  watermarks_->OnBatch(1, *MakeBatch({1}, {80}), absl::Milliseconds(60001));
  watermarks_->Look(absl::Milliseconds(60001), /*ran_dry=*/false);
  EXPECT_EQ(watermarks_->Advance(), EventTime::FromMicros(80));
}

// Each record takes longer than a split may be silent.
TEST_F(SilenceOfSplits, OfATaskThatIsAlwaysLateSoManyPollsProveIt) {
  for (int poll = 1; poll < 16; ++poll) PollFirst(absl::Seconds(15) * poll);
  EXPECT_FALSE(second_is_idle());
  PollFirst(absl::Seconds(15) * 16);
  EXPECT_TRUE(second_is_idle());
}

TEST_F(SilenceOfSplits, PollsAreCountedFromTheSplitsOwnRecord) {
  for (int poll = 1; poll < 15; ++poll) PollFirst(absl::Seconds(15) * poll);
  watermarks_->OnBatch(1, *MakeBatch({1}, {80}), absl::Seconds(15) * 15);
  watermarks_->Look(absl::Seconds(15) * 15, /*ran_dry=*/false);
  for (int poll = 16; poll < 32; ++poll) {
    PollFirst(absl::Seconds(15) * poll);
    EXPECT_FALSE(second_is_idle()) << poll;
  }
  PollFirst(absl::Seconds(15) * 32);
  EXPECT_TRUE(second_is_idle());
}

}  // namespace
}  // namespace weir::taskmanager
