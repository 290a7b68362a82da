#include "jobmanager/ha/file_lock_election.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "common/base/log.h"
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

  /// One whose tries come to what `lock_error_` says; 0 is a lock.
  std::unique_ptr<FileLockElection> StartOnSuch(int* elected) {
    auto election =
        std::make_unique<FileLockElection>(directory_.path() + "/leader.lock", executor_, pool_,
                                           kRetry, [this](int) { return lock_error_; });
    election->Start([elected] { ++*elected; });
    executor_.RunReady();
    return election;
  }

  TemporaryDirectory directory_;
  int lock_error_ = 0;
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

TEST_F(FileLockElectionTest, ItSaysThatTheStorageHasNoLocksUntilItHas) {
  lock_error_ = ENOLCK;
  const auto election = StartOnSuch(&first_);
  executor_.Advance(10 * kRetry);
  EXPECT_EQ(election->last_error(),
            absl::UnavailableError("the leader lock '" + directory_.path() +
                                   "/leader.lock' cannot be tried: No locks available"));
  lock_error_ = EWOULDBLOCK;
  executor_.Advance(kRetry);
  EXPECT_EQ(election->last_error(), absl::OkStatus()) << "another one leads";
  lock_error_ = 0;
  executor_.Advance(kRetry);
  EXPECT_EQ(first_, 1);
}

TEST_F(FileLockElectionTest, WhatIsWrongIsLoggedWhenItChanges) {
  const TemporaryDirectory logs;
  ASSERT_TRUE(InitLogging({.process_name = "test", .file = logs.File("log")}).ok());
  lock_error_ = ENOLCK;
  const auto election = StartOnSuch(&first_);
  executor_.Advance(100 * kRetry);
  lock_error_ = EIO;
  executor_.Advance(100 * kRetry);
  lock_error_ = EWOULDBLOCK;
  executor_.Advance(100 * kRetry);
  ASSERT_TRUE(InitLogging({.level = LogLevel::kWarning, .process_name = "test"}).ok());
  std::ifstream file(logs.File("log"));
  const std::string logged(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(std::count(logged.begin(), logged.end(), '\n'), 3) << logged;
  EXPECT_THAT(logged, testing::HasSubstr("leader lock can be tried again"));
}

// A descriptor that went stale never comes to itself again.
TEST_F(FileLockElectionTest, ALockFileThatFailedIsOpenedAnew) {
  lock_error_ = ESTALE;
  const auto election = StartOnSuch(&first_);
  const std::string path = directory_.path() + "/leader.lock";
  ASSERT_EQ(unlink(path.c_str()), 0);
  executor_.Advance(kRetry);
  EXPECT_EQ(access(path.c_str(), F_OK), 0);
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
