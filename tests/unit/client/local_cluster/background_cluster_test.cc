// With scripts for servers; the real ones are in tests/e2e.

#include "client/local_cluster/background_cluster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"

#include "client/pause.h"
#include "tests/support/temporary_directory.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BackgroundClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.program_directory = directory_.File("bin");
    options_.variables = {{"WEIR_STORAGE_ROOT", "/elsewhere"}, {"PATH", "/usr/bin:/bin"}};
    options_.task_managers = 2;
    std::filesystem::create_directory(options_.program_directory);
    for (const char* program : {"weir-jobmanager", "weir-taskmanager"}) {
      WriteProgram(program, "echo $0 \"$@\" root=$WEIR_STORAGE_ROOT; exec sleep 1000");
    }
  }
  void TearDown() override {
    EXPECT_TRUE(cluster_.Stop(absl::Seconds(30)).ok());
    for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  }

  void WriteProgram(const std::string& name, const std::string& script) {
    const std::string path = options_.program_directory + "/" + name;
    std::ofstream(path) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  absl::Status Start() {
    const absl::Status status = cluster_.Start(options_);
    for (const BackgroundServer& server : cluster_.Servers()) pids_.insert(server.process.pid);
    return status;
  }
  std::string Log(const std::string& server) {
    for (int i = 0; i < 1000; ++i) {
      std::ifstream file(cluster_.directory() + "/" + server + ".log");
      const std::string text(std::istreambuf_iterator<char>(file), {});
      if (!text.empty() && text.back() == '\n') return text;
      Pause(absl::Milliseconds(10));
    }
    return "";
  }

  TemporaryDirectory directory_;
  BackgroundClusterOptions options_;
  BackgroundCluster cluster_{directory_.File("cluster")};
  std::set<pid_t> pids_;  // our children here, which nobody else reaps
};

TEST_F(BackgroundClusterTest, StartsAndStopsServers) {
  ASSERT_EQ(cluster_.Lock(), absl::OkStatus());
  ASSERT_EQ(Start(), absl::OkStatus());
  const auto servers = cluster_.Servers();
  ASSERT_EQ(servers.size(), 3u);
  EXPECT_EQ(servers[0].name, "jobmanager");
  EXPECT_EQ(servers[2].name, "taskmanager-2");
  EXPECT_EQ(cluster_.CheckServers(), absl::OkStatus());
  EXPECT_THAT(cluster_.Address(), HasSubstr("127.0.0.1:"));
  EXPECT_THAT(Log("jobmanager"), AllOf(HasSubstr("--rpc.address=" + cluster_.Address()),
                                       HasSubstr("--storage.root=" + directory_.File("cluster")),
                                       Not(HasSubstr("elsewhere"))));
  EXPECT_THAT(Log("taskmanager-2"),
              AllOf(HasSubstr("--jobmanager.addresses=" + cluster_.Address()),
                    HasSubstr("cluster/taskmanager-2"), HasSubstr("--taskmanager.slots=4")));
  EXPECT_THAT(std::string(Start().message()),
              AllOf(HasSubstr("a local cluster runs already in"), HasSubstr("(jobmanager, pid ")));
  const auto killed = cluster_.Stop(absl::Seconds(30));
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_TRUE(killed->empty());
  for (const BackgroundServer& server : servers)
    EXPECT_FALSE(IsRunning(server.process)) << server.name;
  EXPECT_TRUE(cluster_.Servers().empty());
  EXPECT_EQ(cluster_.Address(), "");
}

TEST_F(BackgroundClusterTest, ServerThatEndsIsNamedWithItsLastWords) {
  WriteProgram("weir-taskmanager", "echo first; echo 'no slots today'");
  ASSERT_EQ(cluster_.Lock(), absl::OkStatus());
  ASSERT_EQ(Start(), absl::OkStatus());
  absl::Status status;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    Pause(absl::Milliseconds(10));
    status = cluster_.CheckServers();
  }
  EXPECT_THAT(
      std::string(status.message()),
      AllOf(HasSubstr("taskmanager-"), HasSubstr(" has ended ("), HasSubstr("no slots today")));
}

TEST_F(BackgroundClusterTest, PortThatIsTakenAndProgramThatIsMissing) {
  ASSERT_EQ(cluster_.Lock(), absl::OkStatus());
  const int taken = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(bind(taken, generic, length), 0);
  ASSERT_EQ(listen(taken, 1), 0);
  ASSERT_EQ(getsockname(taken, generic, &length), 0);
  options_.port = ntohs(address.sin_port);
  EXPECT_EQ(Start().message(), absl::StrCat("port ", options_.port, " of 127.0.0.1 is not free"));
  close(taken);
  std::filesystem::remove(options_.program_directory + "/weir-taskmanager");
  EXPECT_EQ(Start().message(),
            "there is no weir-taskmanager beside weir, in " + options_.program_directory);
}

TEST_F(BackgroundClusterTest, OneCommandAtATime) {
  ASSERT_EQ(cluster_.Lock(), absl::OkStatus());
  BackgroundCluster second(cluster_.directory());
  EXPECT_EQ(second.Lock().message(),
            "another command is starting or stopping the cluster in " + cluster_.directory());
}

}  // namespace
}  // namespace weir
