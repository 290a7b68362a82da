#include "tests/support/process/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <sstream>
#include <string>

namespace weir {
namespace {

using testing::HasSubstr;

ChildProcessOptions Shell(const std::string& script) {
  ChildProcessOptions options;
  options.argv = {"sh", "-c", script};
  return options;
}

TEST(ChildProcessTest, KeepsTheStreamsApartAndTellsTheExitCode) {
  ChildProcessOptions options = Shell("cat; echo $NAME; pwd; echo oops >&2; exit 3");
  options.standard_input = "typed\n";
  options.environment["NAME"] = "value";
  options.working_directory = "/";
  auto result = ChildProcess::RunToEnd(options, absl::Seconds(20));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_status, 3);
  EXPECT_EQ(result->standard_output, "typed\nvalue\n/\n");
  EXPECT_EQ(result->standard_error, "oops\n");
}

TEST(ChildProcessTest, AppendsToALogFile) {
  ChildProcessOptions options = Shell("echo out; echo err >&2");
  options.log_file = testing::TempDir() + "/child_process_test.log";
  std::ofstream(options.log_file) << "before\n";
  ASSERT_TRUE(ChildProcess::RunToEnd(options, absl::Seconds(20)).ok());
  std::stringstream content;
  content << std::ifstream(options.log_file).rdbuf();
  EXPECT_EQ(content.str(), "before\nout\nerr\n");
}

TEST(ChildProcessTest, ASignalShowsInTheExitStatus) {
  auto process = ChildProcess::Start(Shell("exec sleep 600"));
  ASSERT_TRUE(process.ok()) << process.status();
  EXPECT_TRUE((*process)->IsRunning());
  EXPECT_EQ((*process)->Wait(absl::Milliseconds(1)).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE((*process)->Kill(SIGTERM).ok());
  EXPECT_EQ(*(*process)->Wait(absl::Seconds(20)), 128 + SIGTERM);
  EXPECT_EQ(*(*process)->Wait(absl::ZeroDuration()), 128 + SIGTERM);
  EXPECT_FALSE((*process)->IsRunning());
  EXPECT_EQ((*process)->Kill(SIGTERM).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ChildProcessTest, TheDestructorLeavesNoProcess) {
  pid_t pid = 0;
  {
    auto process = ChildProcess::Start(Shell("exec sleep 600"));
    ASSERT_TRUE(process.ok()) << process.status();
    pid = (*process)->pid();
  }
  EXPECT_EQ(kill(pid, 0), -1);
}

TEST(ChildProcessTest, AProgramThatIsNotThereIsNamed) {
  ChildProcessOptions options;
  options.argv = {"/no/such/program"};
  const absl::Status status = ChildProcess::Start(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("/no/such/program"));
}

TEST(ChildProcessTest, AProgramThatDoesNotEndIsKilled) {
  const absl::Status status =
      ChildProcess::RunToEnd(Shell("echo begun >&2; exec sleep 600"), absl::Milliseconds(200))
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(ChildProcessTest, KillAndAwaitEndReachesAProcessThatIsNoChild) {
  auto parent = ChildProcess::RunToEnd(Shell("sleep 600 >&- 2>&- & echo $!"), absl::Seconds(20));
  ASSERT_TRUE(parent.ok()) << parent.status();
  const pid_t orphan = static_cast<pid_t>(std::stol(parent->standard_output));
  EXPECT_EQ(kill(orphan, 0), 0);
  EXPECT_TRUE(KillAndAwaitEnd(orphan, absl::Seconds(20)).ok());
}

}  // namespace
}  // namespace weir
