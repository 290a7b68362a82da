#pragma once

#include <atomic>

namespace weir {

/// How a main() waits for its end. The constructor blocks SIGTERM and SIGINT in the calling thread
/// and, by inheritance, in all threads started later; so it is made first thing in main(). It also
/// ignores SIGPIPE: a closed connection is an error of write(), not the end of the process.
///
/// One per process. The mask stays blocked after destruction. Child processes inherit it: whoever
/// starts one resets its mask (posix_spawnattr_setsigmask).
class SignalWaiter {
 public:
  SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  /// Blocks until SIGTERM or SIGINT arrives and returns it, or 0 after RequestExit().
  int Wait();

  /// Ends Wait(), also one that is called later. From any thread.
  void RequestExit();

 private:
  std::atomic<bool> exit_requested_{false};
};

}  // namespace weir
