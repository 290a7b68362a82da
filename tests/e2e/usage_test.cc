// Bad input: one clear sentence and an exit code that says whose fault it is. No broker is needed.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/support/cluster/weir_cluster.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

ProcessResult Run(std::vector<std::string> argv) {
  ChildProcessOptions options;
  argv[0] = WeirProgram(argv[0]);
  options.argv = std::move(argv);
  const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
  EXPECT_TRUE(result.ok()) << result.status();
  return result.value_or(ProcessResult());
}

/// Exit code and the only line on stderr.
void ExpectSentence(const std::vector<std::string>& argv, int exit_status,
                    const testing::Matcher<std::string>& sentence) {
  const ProcessResult result = Run(argv);
  EXPECT_EQ(result.exit_status, exit_status) << result.standard_error;
  EXPECT_THAT(result.standard_error, AllOf(StartsWith(argv[0] == "flight_delays" ? "" : argv[0]),
                                           sentence, EndsWith("\n")));
  EXPECT_EQ(std::count(result.standard_error.begin(), result.standard_error.end(), '\n'), 1)
      << result.standard_error;
  EXPECT_EQ(result.standard_output, "");
}

constexpr char kLogOff[] = "--log.level=error";

class UsageTest : public testing::Test {
 protected:
  std::string Storage(const std::string& name) {
    return absl::StrCat("--storage.root=", directory_.File(name));
  }
  TemporaryDirectory directory_;
};

TEST_F(UsageTest, UnknownOptionNamesTheNearest) {
  ExpectSentence({"weir-jobmanager", "--storage.rot=/x"}, 2,
                 HasSubstr("unknown flag '--storage.rot'; did you mean '--storage.root'?"));
  ExpectSentence({"weir-taskmanager", "--taskmanager.slot=1"}, 2,
                 HasSubstr("did you mean '--taskmanager.slots'?"));
  ExpectSentence({"weir", "list", "--jobmanager.adresses=x"}, 2,
                 HasSubstr("did you mean '--jobmanager.addresses'?"));
  ExpectSentence({"flight_delays", "run", "--chekpoint.interval=1s"}, 2,
                 HasSubstr("did you mean '--checkpoint.interval'?"));
  ExpectSentence({"flight_delays", "plan", "--fromat=json"}, 2,
                 HasSubstr("did you mean 'format'?"));
  ExpectSentence({"flight_delays", "plan", "--", "--brokrs=x"}, 2,
                 HasSubstr("the job has no argument --brokrs; did you mean 'brokers'?"));
  ExpectSentence({"flight_delays", "submit", "--jobmanager.adresses=x"}, 2,
                 HasSubstr("did you mean '--jobmanager.addresses'?"));
}

TEST_F(UsageTest, UnknownVerbNamesTheNearest) {
  ExpectSentence({"weir", "submti"}, 2, HasSubstr("unknown verb 'submti'; did you mean 'submit'?"));
}

TEST_F(UsageTest, MissingStorageRoot) {
  for (const char* server : {"weir-jobmanager", "weir-taskmanager"}) {
    ExpectSentence({server}, 2, HasSubstr("required options have no value: storage.root"));
  }
}

TEST_F(UsageTest, WrongValueNamesTheOption) {
  ExpectSentence({"weir-taskmanager", Storage("s"), "--taskmanager.slots=many"}, 2,
                 HasSubstr("option 'taskmanager.slots' has the value 'many', expected a whole "
                           "number"));
  ExpectSentence({"weir", "submit", WeirProgram("flight_delays"), "--restart.strategy=sometimes"},
                 2,
                 HasSubstr("option 'restart.strategy' has the value 'sometimes', expected one of "
                           "exponential-delay, fixed-delay, failure-rate, none"));
}

TEST_F(UsageTest, AddressesAndPathsThatCannotBe) {
  ExpectSentence({"weir-jobmanager", Storage("s"), "--rpc.address=127.0.0.1:99999"}, 2,
                 HasSubstr("rpc.address is '127.0.0.1:99999'; HOST:PORT"));
  ExpectSentence({"weir-taskmanager", Storage("s"), "--jobmanager.addresses=nonsense"}, 2,
                 HasSubstr("jobmanager.addresses is 'nonsense'; HOST:PORT"));
  ExpectSentence({"weir", "list", "--jobmanager.addresses=nonsense"}, 2,
                 HasSubstr("jobmanager.addresses is 'nonsense'; HOST:PORT"));
  ExpectSentence({"weir-jobmanager", "--storage.root=relative"}, 2,
                 HasSubstr("storage.root is 'relative'; an absolute path is expected"));
}

TEST_F(UsageTest, ArgumentsOfTheJobBeforeTheDashes) {
  ExpectSentence({"weir", "submit", WeirProgram("flight_delays"), "--brokers=x"}, 2,
                 HasSubstr("unknown flag '--brokers' (arguments of the job follow after --)"));
}

TEST_F(UsageTest, FileThatIsNoWeirJob) {
  ExpectSentence({"weir", "submit", "/bin/ls"}, 2,
                 HasSubstr("'/bin/ls' is not a Weir job: it was not built with weir::RunJob"));
  ExpectSentence({"weir", "plan", "/bin/ls"}, 2,
                 HasSubstr("'/bin/ls' is not a Weir job: it was not built with weir::RunJob"));
  ExpectSentence({"weir", "submit", directory_.File("absent")}, 2, HasSubstr("there is no file"));
  ExpectSentence({"weir", "submit", directory_.path()}, 2,
                 HasSubstr(absl::StrCat("'", directory_.path(),
                                        "' is not a Weir job: it is a "
                                        "directory")));
}

TEST_F(UsageTest, ClusterThatIsNotThere) {
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  ExpectSentence({"weir", absl::StrCat("--jobmanager.addresses=", address), "list", "-t", "300ms"},
                 6, HasSubstr(absl::StrCat("no JobManager answers at ", address)));
}

TEST_F(UsageTest, StorageRootThatCannotBeWritten) {
  std::ofstream(directory_.File("file")) << "in the way";
  ExpectSentence({"weir-jobmanager", kLogOff, "--rpc.address=127.0.0.1:0", Storage("file")}, 1,
                 AllOf(HasSubstr("storage.root cannot be used: "), HasSubstr("Not a directory"),
                       HasSubstr(absl::StrCat("(checked in '", directory_.File("file")))));
  // A file system that root cannot write to either.
  ExpectSentence(
      {"weir-jobmanager", kLogOff, "--rpc.address=127.0.0.1:0", "--storage.root=/proc/weir"}, 1,
      HasSubstr("storage.root cannot be used"));
  ExpectSentence({"flight_delays", "run", Storage("file")}, 1,
                 HasSubstr("storage.root cannot be used"));
}

TEST_F(UsageTest, AddressBeyondLoopbackNeedsTlsAndToken) {
  ExpectSentence({"weir-jobmanager", Storage("s"), "--rpc.address=0.0.0.0:0"}, 2,
                 AllOf(HasSubstr("rpc.address"), HasSubstr("security.tls.certificate-file"),
                       HasSubstr("security.token-file"), HasSubstr("security.insecure")));
  ExpectSentence({"weir-taskmanager", Storage("s"), "--taskmanager.host=0.0.0.0"}, 2,
                 AllOf(HasSubstr("taskmanager.host"), HasSubstr("security.token-file")));
}

TEST_F(UsageTest, TlsFilesThatAreNotThere) {
  ExpectSentence({"weir-jobmanager", kLogOff, Storage("s"), "--rpc.address=127.0.0.1:0",
                  absl::StrCat("--security.tls.certificate-file=", directory_.File("absent")),
                  absl::StrCat("--security.tls.key-file=", directory_.File("absent"))},
                 2, HasSubstr(directory_.File("absent")));
  ExpectSentence({"weir", "list", absl::StrCat("--security.token-file=", directory_.File("no"))}, 2,
                 HasSubstr(directory_.File("no")));
}

class UsageOfAClusterTest : public UsageTest {
 protected:
  void SetUp() override {
    WeirClusterOptions options;
    options.task_managers = 1;
    options.server_options = {{"heartbeat.interval", "100ms"}};
    auto cluster = WeirCluster::Start(options);
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }
  void TearDown() override {
    if (cluster_ == nullptr) return;
    EXPECT_EQ(cluster_->Stop(), absl::OkStatus());
  }
  std::vector<std::string> TaskManager(const std::string& storage, const std::string& work) {
    return {"weir-taskmanager",
            kLogOff,
            "--cluster.id=e2e",
            absl::StrCat("--jobmanager.addresses=", cluster_->addresses()),
            absl::StrCat("--storage.root=", storage),
            absl::StrCat("--taskmanager.work-dir=", work)};
  }
  std::unique_ptr<WeirCluster> cluster_;
};

TEST_F(UsageOfAClusterTest, PortThatIsTaken) {
  ExpectSentence({"weir-jobmanager", kLogOff, Storage("other"),
                  absl::StrCat("--rpc.address=", cluster_->address(1))},
                 1, AllOf(HasSubstr(cluster_->address(1)), HasSubstr("Address already in use")));
}

TEST_F(UsageOfAClusterTest, StorageRootThatIsNotShared) {
  ExpectSentence(TaskManager(directory_.File("elsewhere"), directory_.File("work")), 1,
                 AllOf(HasSubstr(absl::StrCat("storage.root is not shared: host 127.0.0.1 does not "
                                              "see '",
                                              directory_.File("elsewhere"), "/")),
                       HasSubstr("', which the JobManager wrote")));
}

TEST_F(UsageOfAClusterTest, WorkDirectoryThatIsInUse) {
  ExpectSentence(
      TaskManager(cluster_->storage_root(), cluster_->directory().File("taskmanager-1")), 1,
      HasSubstr(absl::StrCat("taskmanager.work-dir '", cluster_->directory().File("taskmanager-1"),
                             "' is in use by another TaskManager; give each its own")));
}

TEST_F(UsageOfAClusterTest, TaskManagerOfAnotherCluster) {
  std::vector<std::string> argv = TaskManager(cluster_->storage_root(), directory_.File("work"));
  argv[2] = "--cluster.id=another";
  ExpectSentence(argv, 1,
                 HasSubstr("the JobManager belongs to cluster 'e2e', this TaskManager to "
                           "'another'"));
}

TEST_F(UsageOfAClusterTest, JobArgumentThatTheJobDoesNotKnow) {
  ExpectSentence({"weir", absl::StrCat("--jobmanager.addresses=", cluster_->addresses()), "submit",
                  WeirProgram("flight_delays"), "--", "--brokrs=x"},
                 2, HasSubstr("the job has no argument --brokrs; did you mean 'brokers'?"));
}

// The job was built where a library is that its TaskManager's node does not have.
TEST_F(UsageOfAClusterTest, JobWhoseLibraryIsMissing) {
  std::ofstream(directory_.File("library.c")) << "int answer(void) { return 42; }\n";
  std::ofstream(directory_.File("job.c")) << "const char marker[] = \"WEIR_JOB_BINARY_\" \"V1\";\n"
                                             "int answer(void);\n"
                                             "int main(void) { return answer(); }\n";
  const std::string library = directory_.File("libweirtest.so.7");
  for (const std::vector<std::string>& build :
       {std::vector<std::string>{"gcc", "-shared", "-fPIC", "-Wl,-soname,libweirtest.so.7", "-o",
                                 library, directory_.File("library.c")},
        {"gcc", "-o", directory_.File("job"), directory_.File("job.c"), library}}) {
    ChildProcessOptions options;
    options.argv = build;
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(30));
    ASSERT_TRUE(result.ok() && result->exit_status == 0);
  }
  ExpectSentence({"weir", absl::StrCat("--jobmanager.addresses=", cluster_->addresses()), "submit",
                  directory_.File("job")},
                 2,
                 EndsWith("the job needs the shared library libweirtest.so.7, which the "
                          "TaskManager's node does not have\n"));
}

}  // namespace
}  // namespace weir
