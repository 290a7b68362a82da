#include "common/exec/signal_waiter.h"

#include <signal.h>
#include <unistd.h>

#include "common/base/check.h"

namespace weir {
namespace {

sigset_t EndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

SignalWaiter::SignalWaiter() {
  const sigset_t signals = EndSignals();
  WEIR_CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  WEIR_CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
}

int SignalWaiter::Wait() {
  const sigset_t signals = EndSignals();
  int received = 0;
  const int error = sigwait(&signals, &received);
  WEIR_CHECK(error == 0) << "sigwait returned " << error;
  return exit_requested_.load() ? 0 : received;
}

void SignalWaiter::RequestExit() {
  exit_requested_.store(true);
  // Blocked in every thread, so it stays pending until Wait() takes it.
  WEIR_CHECK(kill(getpid(), SIGTERM) == 0);
}

}  // namespace weir
