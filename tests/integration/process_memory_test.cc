// Real processes that use memory, that are asked to end, and that leave others behind.

#include <sys/prctl.h>
#include <sys/wait.h>

#include <filesystem>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "tests/integration/launched_processes.h"

namespace weir::taskmanager {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::StartsWith;

class ProcessMemoryTest : public LaunchedProcessesTest {};

TEST_F(ProcessMemoryTest, MemoryBeyondTheLimitEndsTheProcess) {
  ProcessSpec spec = Shell(
      "exec python3 -c \"x = bytearray(200 << 20); import time; "
      "time.sleep(100)\"");
  spec.memory_limit_bytes = uint64_t{50} << 20;
  spec.memory_limit_option = "a.limit";
  Launch(spec);
  EXPECT_THAT(ExitReason(), AllOf(StartsWith("killed by its TaskManager: it used "),
                                  EndsWith(" of 50.0 MiB of memory (a.limit)")));
}

// Together they are above the limit, each alone is not.
TEST_F(ProcessMemoryTest, MemoryBeyondTheLimitOfAllEndsTheLargest) {
  launcher_->Stop();
  server_.join();
  PosixProcessLauncherOptions options = LauncherOptions(directory_.path());
  options.memory_limit_bytes = uint64_t{250} << 20;
  options.memory_limit_source = "a.limit";
  launcher_ = std::make_unique<PosixProcessLauncher>(executor_, options);
  server_ = std::thread([this] { launcher_->Serve(); });
  const auto hold = [this](int mebibytes, const std::string& name) {
    return Shell(absl::StrCat("exec python3 -c \"x = bytearray(", mebibytes, " << 20); open('",
                              name, "', 'w'); import time; time.sleep(100)\""));
  };
  const auto await = [this](const std::string& name) {
    while (!std::filesystem::exists(directory_.File(name))) std::this_thread::yield();
  };
  Awaited<ProcessExit> small_exit;
  ProcessLauncher::Callbacks callbacks;
  callbacks.on_exit = [&small_exit](const ProcessExit& exit) { small_exit.Set(exit); };
  const auto small = launcher_->Launch(hold(60, "small"), std::move(callbacks));
  await("small");
  Launch(hold(150, "large"));
  await("large");
  launcher_->Launch(hold(60, "last"), {nullptr, [](const ProcessExit&) {}});
  EXPECT_THAT(ExitReason(), testing::MatchesRegex(
                                "killed by its TaskManager: it used 1[56][0-9]\\.[0-9] MiB of "
                                "memory, the most of what it starts, which used 2[56][0-9].* of "
                                "250.0 MiB together \\(a\\.limit\\)"));
  await("last");
  launcher_->Terminate(small);
  EXPECT_EQ(small_exit.Await().value_or(ProcessExit()).reason, "killed by signal 15 (SIGTERM)");
}

TEST_F(ProcessMemoryTest, TerminateLetsTheProcessWindDown) {
  const auto launch = Launch(
      Shell("trap 'echo wound down; exit 0' TERM; touch ready; while :; do sleep 0.01; done"));
  while (!std::filesystem::exists(directory_.File("ready"))) std::this_thread::yield();
  launcher_->Terminate(launch);
  EXPECT_EQ(ExitReason(), "exited with code 0");
  EXPECT_EQ(ReadFile(directory_.File("log")), "wound down\n");
}

// Where this process is the first of a container they become its children.
TEST_F(ProcessMemoryTest, WhatAProcessLeavesBehindIsReaped) {
  ASSERT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  Launch(Shell("sleep 100 & echo $! > left"));
  EXPECT_EQ(ExitReason(), "exited with code 0");
  int left = 0;
  ASSERT_TRUE(absl::SimpleAtoi(ReadFile(directory_.File("left")), &left));
  const auto ours = [left] {
    siginfo_t info = {};
    return waitid(P_PID, static_cast<id_t>(left), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  };
  // It is looked for whenever something happens.
  for (int i = 0; i < 100 && ours(); ++i) {
    Awaited<ProcessExit> exit;
    launcher_->Launch(Shell("exec true"),
                      {nullptr, [&exit](const ProcessExit& how) { exit.Set(how); }});
    ASSERT_TRUE(exit.Await().has_value());
  }
  EXPECT_FALSE(ours());
  EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

TEST_F(ProcessMemoryTest, WhenMemoryRunsOutTheKernelPrefersTheProcess) {
  Launch(Shell("exec sleep 100"));
  const std::optional<uint64_t> pid = pid_.Await();
  ASSERT_TRUE(pid.has_value());
  EXPECT_EQ(ReadFile(absl::StrCat("/proc/", *pid, "/oom_score_adj")), "1000\n");
}

}  // namespace
}  // namespace weir::taskmanager
