#include "common/exec/signal_waiter.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir {
namespace {

// In a child process each, because the waiter changes the signal mask for good.
template <class Body>
int ExitCodeOf(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SignalWaiterTest, WaitReturnsTheSignal) {
  EXPECT_EQ(ExitCodeOf([] {
              SignalWaiter waiter;
              kill(getpid(), SIGTERM);
              return waiter.Wait();
            }),
            SIGTERM);
  EXPECT_EQ(ExitCodeOf([] {
              SignalWaiter waiter;
              kill(getpid(), SIGINT);
              return waiter.Wait();
            }),
            SIGINT);
}

TEST(SignalWaiterTest, RequestExitEndsTheWait) {
  EXPECT_EQ(ExitCodeOf([] {
              SignalWaiter waiter;
              waiter.RequestExit();
              return waiter.Wait();
            }),
            0);
}

TEST(SignalWaiterTest, SigpipeIsIgnored) {
  EXPECT_EQ(ExitCodeOf([] {
              SignalWaiter waiter;
              kill(getpid(), SIGPIPE);
              return 7;
            }),
            7);
}

}  // namespace
}  // namespace weir
