#include "tests/support/process/hang_report.h"

#include <execinfo.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <thread>

#include "absl/strings/numbers.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace weir {
namespace {

constexpr int kMaxFrames = 64;
constexpr absl::Duration kTimePerThread = absl::Milliseconds(100);
// Of the time that ctest gives; the rest is for the report.
constexpr double kShare = 0.93;

std::atomic<int64_t> start_of_test{0};

// In a hanging program: what is not async-signal-safe here can make nothing worse.
void WriteOwnStack(int /*signal*/) {
  std::array<void*, kMaxFrames> frames{};
  const int depth = backtrace(frames.data(), kMaxFrames);
  backtrace_symbols_fd(frames.data(), depth, STDERR_FILENO);
}

void WriteStacks() {
  struct sigaction action {};
  action.sa_handler = WriteOwnStack;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR2, &action, nullptr);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    pid_t thread = 0;
    if (!absl::SimpleAtoi(entry.path().filename().string(), &thread) || thread == gettid()) {
      continue;
    }
    std::cerr << "--- thread " << thread << std::endl;
    syscall(SYS_tgkill, getpid(), thread, SIGUSR2);
    absl::SleepFor(kTimePerThread);
  }
}

void Watch(absl::Duration limit) {
  while (absl::Nanoseconds(absl::GetCurrentTimeNanos() - start_of_test) < limit) {
    absl::SleepFor(absl::Seconds(1));
  }
  std::cerr << "a test hangs, for " << limit << ":" << std::endl;
  WriteStacks();
  std::abort();
}

/// Says when a test starts.
class StartListener : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo& /*test*/) override {
    start_of_test = absl::GetCurrentTimeNanos();
  }
};

}  // namespace

void ReportHangs() {
  const char* timeout = std::getenv("WEIR_TEST_TIMEOUT");
  int64_t seconds = 0;
  if (timeout == nullptr || !absl::SimpleAtoi(timeout, &seconds)) return;
  // The first call loads what unwinds.
  std::array<void*, 1> frame{};
  backtrace(frame.data(), 1);
  start_of_test = absl::GetCurrentTimeNanos();
  testing::UnitTest::GetInstance()->listeners().Append(new StartListener);
  std::thread(Watch, kShare * absl::Seconds(seconds)).detach();
}

}  // namespace weir
