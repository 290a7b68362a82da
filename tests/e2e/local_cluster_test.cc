// `weir local-cluster` with the real servers. No broker is needed.

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/cluster/weir_cluster.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class LocalClusterTest : public testing::Test {
 protected:
  void TearDown() override {
    Weir({"local-cluster", "stop"});
    EXPECT_EQ(CommandLines(), std::vector<std::string>());
  }

  ProcessResult Run(std::vector<std::string> argv) {
    ChildProcessOptions options;
    options.argv = std::move(argv);
    options.environment = {{"XDG_CONFIG_HOME", directory_.File("config")},
                           {"XDG_STATE_HOME", directory_.File("state")}};
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(90));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(ProcessResult());
  }
  ProcessResult Weir(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), WeirProgram("weir"));
    return Run(std::move(arguments));
  }
  nlohmann::json WeirJson(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"-o", "json"});
    return nlohmann::json::parse(Weir(std::move(arguments)).standard_output, nullptr, false);
  }

  /// Of all processes that have this test's directory in them.
  std::vector<std::string> CommandLines() const {
    std::vector<std::string> lines;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
      std::ifstream file(entry.path() / "cmdline");
      const std::string line(std::istreambuf_iterator<char>(file), {});
      if (line.find(directory_.path()) != std::string::npos) lines.push_back(line);
    }
    return lines;
  }

  TemporaryDirectory directory_;
};

TEST_F(LocalClusterTest, StartsPlansAJobAndStops) {
  const ProcessResult started =
      Weir({"local-cluster", "start", "--taskmanagers=2", "--slots", "3"});
  ASSERT_EQ(started.exit_status, 0) << started.standard_error;
  EXPECT_THAT(started.standard_output,
              AllOf(HasSubstr("with 2 TaskManagers of 3 slots"), HasSubstr("context 'local'")));
  EXPECT_EQ(started.standard_error, "");  // progress is for terminals
  EXPECT_EQ(CommandLines().size(), 3u);

  // The context leads to it.
  const nlohmann::json cluster = WeirJson({"cluster", "describe"});
  EXPECT_EQ(cluster["cluster_id"], "local");
  EXPECT_EQ(cluster["taskmanagers"].size(), 2u) << cluster;
  EXPECT_EQ(Weir({"list", "-o", "name"}).standard_output, "");
  EXPECT_EQ(WeirJson({"plan", WeirProgram("flight_delays")})["job_name"], "flight-delays");

  const nlohmann::json status = WeirJson({"local-cluster", "status"});
  EXPECT_EQ(status["address"], cluster["leader"]["address"]);
  ASSERT_EQ(status["servers"].size(), 3u) << status;
  EXPECT_EQ(status["servers"][0]["pid"], cluster["leader"]["pid"]);
  EXPECT_EQ(status["servers"][1]["state"], "RUNNING");
  const ProcessResult again = Weir({"local-cluster", "start"});
  EXPECT_EQ(again.exit_status, 4);
  EXPECT_THAT(again.standard_error, HasSubstr("a local cluster runs already in"));

  const ProcessResult stopped = Weir({"local-cluster", "stop"});
  EXPECT_EQ(stopped.exit_status, 0);
  EXPECT_EQ(stopped.standard_error, "");
  EXPECT_EQ(CommandLines(), std::vector<std::string>());
  EXPECT_EQ(Weir({"local-cluster", "status"}).exit_status, 3);
  EXPECT_EQ(Weir({"local-cluster", "stop"}).exit_status, 0);
}

TEST_F(LocalClusterTest, TellsWhatIsMissingOfIt) {
  const std::string dir = absl::StrCat("--dir=", directory_.File("elsewhere"));
  ASSERT_EQ(Weir({"local-cluster", "start", dir}).exit_status, 0);
  const nlohmann::json status = WeirJson({"local-cluster", "status", dir});
  ASSERT_EQ(status["servers"].size(), 2u) << status;
  ASSERT_EQ(KillAndAwaitEnd(status["servers"][1]["pid"], absl::Seconds(30)), absl::OkStatus());
  const ProcessResult partly = Weir({"local-cluster", "status", dir});
  EXPECT_EQ(partly.exit_status, 1);
  EXPECT_THAT(partly.standard_output, HasSubstr("ENDED"));
  EXPECT_THAT(partly.standard_error, HasSubstr("taskmanager-1 has ended ("));
  EXPECT_EQ(Weir({"local-cluster", "stop", dir}).exit_status, 0);
}

// The script and the program, as bash runs them.
TEST_F(LocalClusterTest, BashCompletes) {
  const std::string weir = WeirProgram("weir");
  const ProcessResult result =
      Run({"bash", "-c",
           absl::StrCat(
               "source <(", weir, " completion bash); COMP_WORDS=(", weir,
               " transactions ex); COMP_CWORD=2; COMP_LINE=\"", weir,
               " transactions ex\"; COMP_POINT=${#COMP_LINE}; _weir; echo \"${COMPREPLY[@]}\"")});
  EXPECT_EQ(result.standard_output, "explain\n") << result.standard_error;
}

}  // namespace
}  // namespace weir
