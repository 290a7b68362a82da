#include "taskmanager/worker/patience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/base/failure_policy.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_retry_wait.h"

namespace weir::taskmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Calls, in virtual time, what answers as the test has said.
class PatienceTest : public ::testing::Test {
 protected:
  static absl::Status NoLeader() {
    return WithFailurePolicy(absl::UnavailableError("topic t has no leader"),
                             FailurePolicy::kRestartJob);
  }
  absl::Status Call() {
    return CallPatiently(
        {&clock_, wait_}, [this] { progress_.push_back(executor_.now()); }, "source 's'",
        [this] {
          ++calls_;
          executor_.Advance(takes_);
          if (answers_.empty()) return always_;
          const absl::Status answer = answers_.front();
          answers_.pop_front();
          return answer;
        });
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  std::shared_ptr<TestingRetryWait> wait_ = std::make_shared<TestingRetryWait>(executor_);
  absl::Duration takes_ = absl::ZeroDuration();  // a call
  std::deque<absl::Status> answers_;             // of the first calls
  absl::Status always_;                          // of the others
  int calls_ = 0;
  std::vector<absl::Duration> progress_;  // when it was told
};

// The client of the brokers waits, too, before it gives an answer.
TEST_F(PatienceTest, TimeThatTheCallsTakeCounts) {
  takes_ = absl::Seconds(15);
  always_ = NoLeader();
  const absl::Status status = Call();
  EXPECT_EQ(status.message(), "topic t has no leader; waited for it for 1m55s");
  EXPECT_EQ(FailurePolicyOf(status), FailurePolicy::kRestartJob);
  EXPECT_EQ(calls_, 6);  // pauses of 1, 2, 4, 8 and 10 seconds
  EXPECT_EQ(executor_.now(), absl::Seconds(115));
}

TEST_F(PatienceTest, ACallThatTakesLongerThanTheBoundIsNotRepeated) {
  takes_ = Patience::kBound;
  always_ = NoLeader();
  EXPECT_TRUE(absl::IsUnavailable(Call()));
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(progress_, IsEmpty());
}

TEST_F(PatienceTest, TheLastPauseEndsWithTheBound) {
  takes_ = absl::Seconds(119);
  answers_ = {NoLeader()};
  EXPECT_EQ(Call(), absl::OkStatus());
  EXPECT_EQ(calls_, 2);
}

// The topic was deleted while its leaders were waited for.
TEST_F(PatienceTest, AnErrorThatStaysIsPassedOnAsItIs) {
  answers_ = {NoLeader(), NoLeader(), absl::NotFoundError("there is no topic 't'")};
  EXPECT_EQ(Call(), absl::NotFoundError("there is no topic 't'"));
  EXPECT_EQ(calls_, 3);
}

TEST_F(PatienceTest, ProgressIsToldBeforeEachPause) {
  answers_ = {NoLeader(), NoLeader(), NoLeader()};
  EXPECT_EQ(Call(), absl::OkStatus());
  EXPECT_THAT(progress_, ElementsAre(absl::ZeroDuration(), absl::Seconds(1), absl::Seconds(3)));
}

TEST_F(PatienceTest, NobodyIsAskedForWhatIsNotWanted) {
  wait_->Cancel();
  EXPECT_EQ(Call(), absl::CancelledError("source 's': nobody wants the generation any more"));
  EXPECT_EQ(calls_, 0);
}

TEST_F(PatienceTest, OneLineTellsThatItWaitsAndForWhat) {
  answers_ = {NoLeader(), NoLeader(), NoLeader()};
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Call(), absl::OkStatus());
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::string line = "the generation waits for what passes by itself";
  EXPECT_THAT(log, HasSubstr(line));
  EXPECT_EQ(log.find(line), log.rfind(line)) << log;
  EXPECT_THAT(log, HasSubstr("source 's'"));
  EXPECT_THAT(log, HasSubstr("topic t has no leader"));
}

TEST_F(PatienceTest, WhoDoesNotWaitSaysNothing) {
  answers_ = {absl::NotFoundError("there is no topic 't'")};
  ::testing::internal::CaptureStderr();
  EXPECT_FALSE(Call().ok());
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace weir::taskmanager
