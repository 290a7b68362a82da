#include "taskmanager/agent/process_exit.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

#include "taskmanager/agent/oom_kills.h"
#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

class ProcessExitTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& contents) {
    const std::string path = directory_.File(name);
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::trunc) << contents;
    return path;
  }
  static siginfo_t Killed(int signal) {
    siginfo_t info = {};
    info.si_code = CLD_KILLED;
    info.si_status = signal;
    info.si_pid = 42;
    return info;
  }
  TemporaryDirectory directory_;
};

constexpr char kReport[] =
    "weir crash report of process 42: SIGSEGV in operator 'Parse', at topic flights, partition 3, "
    "offset 1234\n    @ 0x1  main\n";

TEST_F(ProcessExitTest, ACrashIsWhatItsReportSays) {
  const std::string log = Write("log", absl::StrCat("a line\nno end of it", kReport));
  const ProcessExit exit = DescribeExit(Killed(SIGSEGV), log);
  EXPECT_EQ(exit.reason,
            "crashed: SIGSEGV in operator 'Parse', at topic flights, partition 3, offset 1234");
  EXPECT_TRUE(exit.crashed);
  EXPECT_EQ(exit.code, -1);
}

TEST_F(ProcessExitTest, TheReportOfAnotherProcessIsNot) {
  siginfo_t info = Killed(SIGKILL);
  info.si_pid = 4;
  const ProcessExit exit = DescribeExit(info, Write("log", kReport));
  EXPECT_EQ(exit.reason, "killed by signal 9 (SIGKILL)");
  EXPECT_FALSE(exit.crashed);
}

TEST_F(ProcessExitTest, AReportThatIsCutOffCounts) {
  EXPECT_EQ(CrashInLog(Write("log", "weir crash report of process 42: SIGSEGV in op"), 42),
            "SIGSEGV in op");
  EXPECT_EQ(CrashInLog(directory_.File("absent"), 42), "");
}

TEST_F(ProcessExitTest, KillsOfTheControlGroupAreCounted) {
  Write("proc/self/cgroup", "0::/weir.service\n");
  const std::string file = Write("sys/fs/cgroup/weir.service/memory.events", "low 0\noom_kill 3\n");
  Write("proc/vmstat", "oom_kill 7\n");
  OomKills kills(directory_.path());
  EXPECT_EQ(kills.FindNew(), "");
  Write("proc/vmstat", "oom_kill 8\n");
  EXPECT_EQ(kills.FindNew(), "");
  Write("sys/fs/cgroup/weir.service/memory.events", "low 0\noom_kill 4\n");
  EXPECT_EQ(kills.FindNew(), file);
  EXPECT_EQ(kills.FindNew(), "");
}

TEST_F(ProcessExitTest, WithoutAControlGroupTheMachinesAreCounted) {
  const std::string file = Write("proc/vmstat", "pgfault 5\noom_kill 7\n");
  OomKills kills(directory_.path());
  EXPECT_EQ(kills.FindNew(), "");
  Write("proc/vmstat", "pgfault 5\noom_kill 8\n");
  EXPECT_EQ(kills.FindNew(), file);
}

TEST_F(ProcessExitTest, WhereNothingIsCountedNothingIsTold) {
  OomKills kills(directory_.path());
  EXPECT_EQ(kills.FindNew(), "");
}

}  // namespace
}  // namespace weir::taskmanager
