#include "common/exec/retry_wait.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <thread>

#include "common/time/system_clock.h"

namespace weir {
namespace {

TEST(ThreadRetryWaitTest, ItLastsItsTime) {
  const SystemClock clock;
  ThreadRetryWait wait;
  absl::Duration longest = absl::ZeroDuration();
  for (int i = 0; i < 3; ++i) {  // one may end early
    const absl::Duration start = clock.Monotonic();
    EXPECT_TRUE(wait.Wait(absl::Milliseconds(20)));
    longest = std::max(longest, clock.Monotonic() - start);
  }
  EXPECT_GE(longest, absl::Milliseconds(20));
}

TEST(ThreadRetryWaitTest, CancelWakesWhoWaits) {
  ThreadRetryWait wait;
  std::promise<void> begins;
  bool goes_on = true;
  std::thread waiter([&] {
    begins.set_value();
    goes_on = wait.Wait(absl::Hours(1));
  });
  begins.get_future().wait();
  wait.Cancel();
  waiter.join();
  EXPECT_FALSE(goes_on);
}

TEST(ThreadRetryWaitTest, AfterCancelNobodyWaitsAnyMore) {
  ThreadRetryWait wait;
  wait.Cancel();
  EXPECT_FALSE(wait.Wait(absl::Hours(1)));
  EXPECT_FALSE(wait.Wait(absl::Hours(1)));
}

}  // namespace
}  // namespace weir
