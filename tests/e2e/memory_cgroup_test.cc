// A TaskManager in a control group with a memory limit, as in a container: a worker that leaks dies
// alone, before the kernel takes something. Needs root and control groups that can be written.

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_copy_fixture.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

constexpr uint64_t kLimitMiB = 400;

/// A control group of this test, of whichever version has the memory controller here.
class MemoryGroup {
 public:
  MemoryGroup() {
    const std::string name = absl::StrCat("weir-test-", getpid());
    for (const bool version_2 : {false, true}) {
      version_2_ = version_2;
      path_ = absl::StrCat("/sys/fs/cgroup/", version_2 ? "" : "memory/", name);
      std::error_code error;
      std::filesystem::create_directory(path_, error);
      if (error) continue;
      const std::string limit = version_2 ? "memory.max" : "memory.limit_in_bytes";
      made_ = Write(limit, absl::StrCat(kLimitMiB << 20));
      if (made_) return;
      std::filesystem::remove(path_, error);
    }
  }
  ~MemoryGroup() {
    // Processes that were killed may have to be reaped yet.
    std::error_code error;
    AwaitTrue([&] { return std::filesystem::remove(path_, error) || !made_; }, absl::Seconds(10));
  }
  bool made() const { return made_; }
  std::string limit_file() const {
    return absl::StrCat(path_, version_2_ ? "/memory.max" : "/memory.limit_in_bytes");
  }
  /// Starts a command in the group, in its own place.
  std::vector<std::string> Inside() const {
    return {"sh", "-c", absl::StrCat("echo $$ > ", path_, "/cgroup.procs; exec \"$0\" \"$@\"")};
  }
  /// How many processes of the group the kernel has killed for want of memory.
  int KernelKills() const {
    std::ifstream file(path_ + (version_2_ ? "/memory.events" : "/memory.oom_control"));
    std::string name;
    for (int value = 0; file >> name >> value;) {
      if (name == "oom_kill") return value;
    }
    return -1;
  }

 private:
  bool Write(const std::string& file, const std::string& text) const {
    std::ofstream out(absl::StrCat(path_, "/", file));
    return (out << text) && out.flush();
  }
  std::string path_;
  bool version_2_ = false;
  bool made_ = false;
};

class MemoryCgroupTest : public RecordCopyTest {
 protected:
  void SetUp() override {
    if (!group_.made()) {
      const char* required = std::getenv("WEIR_REQUIRE_ROOT");
      if (required != nullptr && std::string(required) == "1") {
        ADD_FAILURE() << "WEIR_REQUIRE_ROOT=1, and no control group can be made";
      }
      GTEST_SKIP() << "no control group can be made: it needs root";
    }
    RecordCopyTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    WEIR_ASSERT_OK(cluster().CreateTopic(TopicName("orders"), 1));
    WeirClusterOptions options;
    options.task_managers = 1;
    options.task_manager_prefix = group_.Inside();
    StartCluster(options);
    if (HasFatalFailure()) return;
    Produce(0, 100);
    const auto other = weir().Submit(RecordCopy({}));
    WEIR_ASSERT_OK(other);
    other_ = *other;
    ASSERT_TRUE(AwaitTrue([&] { return OutputEnd() >= 100; }));
    other_pid_ = Describe(other_)->workers(0).pid();
    task_manager_pid_ = weir().task_manager(1).pid();
  }

  void Order(const std::string& fault, int64_t amount) {
    KafkaTestRecord record;
    record.partition = 0;
    record.value = absl::StrCat(R"({"id":1,"fault":")", fault, R"(","amount":)", amount, "}");
    WEIR_ASSERT_OK(cluster().Produce(TopicName("orders"), {record}));
  }
  /// A second job beside the first takes memory; why it has failed.
  std::string ReasonAfter(const std::string& fault, int64_t amount) {
    WeirJob leaking{"faulty_job",
                    JobArguments(),
                    {{"checkpoint.interval", "200ms"}, {"restart.strategy", "none"}}};
    leaking.arguments[1] = absl::StrCat("--input=", TopicName("orders"));
    const auto job = weir().Submit(leaking);
    EXPECT_TRUE(job.ok()) << job.status();
    if (!job.ok()) return "";
    Order(fault, amount);
    EXPECT_TRUE(AwaitState(*job, "FAILED")) << StateOf(*job);
    return Summary(*job).reason();
  }
  /// TaskManager and the other job's worker are the same processes, and records flow.
  void ExpectTheOthersLive() {
    EXPECT_TRUE(weir().task_manager(1).IsRunning());
    EXPECT_EQ(weir().task_manager(1).pid(), task_manager_pid_);
    const int64_t copied = OutputEnd();
    Produce(100, 100);
    EXPECT_TRUE(AwaitTrue([&] { return OutputEnd() >= copied + 100; }));
    const auto after = Describe(other_);
    WEIR_ASSERT_OK(after);
    EXPECT_EQ(after->summary().restarts(), 0u);
    EXPECT_EQ(after->workers(0).pid(), other_pid_);
  }

  MemoryGroup group_;
  std::string other_;
  uint64_t other_pid_ = 0;
  pid_t task_manager_pid_ = 0;
};

TEST_F(MemoryCgroupTest, ALeakingWorkerDiesAloneBeforeTheKernelTakesOne) {
  EXPECT_THAT(weir().Log(WeirCluster::TaskManagerName(1)),
              HasSubstr(absl::StrCat("memory_limit=", kLimitMiB << 20,
                                     " memory_limit_of=", group_.limit_file())));
  EXPECT_THAT(
      ReasonAfter("allocate", 1000),
      MatchesRegex(absl::StrCat(
          "worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ killed by its TaskManager: it used "
          "[0-9.]+ MiB of memory, the most of what it starts, which used [0-9.]+ MiB of 336.0 MiB "
          "together \\(what 400.0 MiB by ",
          group_.limit_file(), " leaves for workers\\).*")));
  EXPECT_EQ(group_.KernelKills(), 0);
  ExpectTheOthersLive();
}

// Faster than anybody looks: whoever kills, it is this worker that dies.
TEST_F(MemoryCgroupTest, AWorkerThatTakesAllAtOnceDiesAlone) {
  EXPECT_THAT(ReasonAfter("gulp", 4000),
              MatchesRegex("worker w-[0-9a-f]+ on TaskManager tm-[0-9a-f]+ killed by (its "
                           "TaskManager: it used .* of memory|signal 9 \\(SIGKILL\\); maybe the "
                           "kernel's, out of memory: 'oom_kill' of .* has risen).*"));
  ExpectTheOthersLive();
}

}  // namespace
}  // namespace weir
