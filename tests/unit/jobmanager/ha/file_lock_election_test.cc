#include "jobmanager/ha/file_lock_election.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>

#include "tests/support/manual_executor.h"
#include "tests/support/temporary_directory.h"

namespace weir::jobmanager {
namespace {

constexpr absl::Duration kRetry = absl::Milliseconds(50);

class FileLockElectionTest : public ::testing::Test {
 protected:
  std::unique_ptr<FileLockElection> Start(int* elected, const std::string& name = "leader.lock") {
    auto election = std::make_unique<FileLockElection>(directory_.path() + "/" + name, executor_,
                                                       pool_, kRetry);
    election->Start([elected] { ++*elected; });
    executor_.RunReady();
    return election;
  }

  TemporaryDirectory directory_;
  ManualExecutor executor_;
  ManualPool pool_;
  int first_ = 0;
  int second_ = 0;
};

TEST_F(FileLockElectionTest, TheOnlyOneIsElected) {
  const auto election = Start(&first_);
  EXPECT_EQ(first_, 1);
}

TEST_F(FileLockElectionTest, OneOfTwoIsElected) {
  const auto winner = Start(&first_);
  const auto other = Start(&second_);
  executor_.Advance(10 * kRetry);
  EXPECT_EQ(first_, 1);
  EXPECT_EQ(second_, 0);
}

TEST_F(FileLockElectionTest, TheOtherIsElectedOnceTheLockIsReleased) {
  auto winner = Start(&first_);
  const auto other = Start(&second_);
  winner.reset();
  executor_.Advance(kRetry);
  EXPECT_EQ(second_, 1);
}

TEST_F(FileLockElectionTest, ItIsElectedOnce) {
  const auto election = Start(&first_);
  executor_.Advance(10 * kRetry);
  EXPECT_EQ(first_, 1);
}

TEST_F(FileLockElectionTest, ALockThatCannotBeTriedIsTriedAgain) {
  const auto election = Start(&first_, "later/leader.lock");
  ASSERT_EQ(first_, 0);
  ASSERT_EQ(mkdir((directory_.path() + "/later").c_str(), 0755), 0);
  executor_.Advance(kRetry);
  EXPECT_EQ(first_, 1);
}

TEST_F(FileLockElectionTest, NobodyIsElectedAfterItWasDestroyed) {
  pool_.Hold();
  Start(&first_).reset();
  pool_.Release();
  executor_.RunReady();
  EXPECT_EQ(first_, 0);
}

TEST_F(FileLockElectionTest, ATryThatOutlivesItsElectionHoldsNoLock) {
  pool_.Hold();
  Start(&first_).reset();
  pool_.Release();
  executor_.RunReady();
  const auto other = Start(&second_);
  EXPECT_EQ(second_, 1);
}

}  // namespace
}  // namespace weir::jobmanager
