#include "client/local_cluster/background_process.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "client/pause.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

class BackgroundProcessTest : public testing::Test {
 protected:
  BackgroundProcess Start(const std::string& script) {
    const auto process =
        StartInBackground({"/bin/sh", "-c", script}, {{"GREETING", "hello"}}, LogFile());
    EXPECT_TRUE(process.ok()) << process.status();
    return process.value_or(BackgroundProcess());
  }
  std::string LogFile() const { return directory_.File("log"); }
  std::string Log() const {
    std::ifstream file(LogFile());
    return std::string(std::istreambuf_iterator<char>(file), {});
  }
  bool AwaitLog(const std::string& text) const {
    for (int i = 0; i < 1000 && Log() != text; ++i) Pause(absl::Milliseconds(10));
    return Log() == text;
  }
  TemporaryDirectory directory_;
};

TEST_F(BackgroundProcessTest, RunsUntilItIsEnded) {
  const BackgroundProcess process = Start("echo $GREETING; exec sleep 1000");
  EXPECT_TRUE(AwaitLog("hello\n"));
  EXPECT_TRUE(IsRunning(process));
  EXPECT_EQ(getsid(process.pid), process.pid);
  EXPECT_TRUE(EndProcesses({process}, absl::Seconds(30)).empty());
  EXPECT_FALSE(IsRunning(process));  // though nobody has reaped it
  EXPECT_EQ(waitpid(process.pid, nullptr, 0), process.pid);
  EXPECT_FALSE(IsRunning(process));
}

TEST_F(BackgroundProcessTest, WhatDoesNotListenIsKilled) {
  const BackgroundProcess process = Start("trap '' TERM; echo deaf; exec sleep 1000");
  EXPECT_TRUE(AwaitLog("deaf\n"));
  const auto killed = EndProcesses({process}, absl::Milliseconds(50));
  ASSERT_EQ(killed.size(), 1u);
  EXPECT_EQ(killed[0].pid, process.pid);
  EXPECT_FALSE(IsRunning(process));
  waitpid(process.pid, nullptr, 0);
}

// The pid of a process that was written down has been given to another.
TEST_F(BackgroundProcessTest, AnotherProcessOfThatPidIsLeftAlone) {
  const BackgroundProcess process = Start("exec sleep 1000");
  const BackgroundProcess former{process.pid, process.start_ticks - 1};
  EXPECT_FALSE(IsRunning(former));
  EXPECT_TRUE(EndProcesses({former}, absl::Seconds(30)).empty());
  EXPECT_TRUE(IsRunning(process));
  EndProcesses({process}, absl::Seconds(30));
  waitpid(process.pid, nullptr, 0);
}

TEST_F(BackgroundProcessTest, WhatIsNotThereCannotBeStarted) {
  const auto process = StartInBackground({directory_.File("absent")}, {}, LogFile());
  EXPECT_EQ(process.status().message(),
            "cannot start " + directory_.File("absent") + ": No such file or directory");
  EXPECT_FALSE(IsRunning(BackgroundProcess()));
}

}  // namespace
}  // namespace weir
