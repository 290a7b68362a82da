// Real small processes: starting, watching, killing, planning.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "common/base/sha256.h"
#include "common/base/system_random.h"
#include "common/exec/thread_blocking_pool.h"
#include "common/io/posix_file_system.h"
#include "common/time/system_clock.h"
#include "taskmanager/agent/artifact_cache.h"
#include "taskmanager/agent/job_planner.h"
#include "taskmanager/agent/posix_process_launcher.h"
#include "taskmanager/agent/process_worker_launcher.h"
#include "tests/integration/launched_processes.h"
#include "tests/support/process/child_process.h"

namespace weir::taskmanager {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ProcessesTest : public LaunchedProcessesTest {
 protected:
  absl::StatusOr<proto::JobGraph> Plan(const std::string& binary,
                                       absl::Duration timeout = absl::Seconds(10)) {
    ProcessJobPlannerOptions options;
    options.directory = directory_.File("plans");
    options.environment = {{"PATH", "/usr/bin:/bin"}};
    options.timeout = timeout;
    options.memory_limit_bytes = uint64_t{64} << 20;
    ProcessJobPlanner planner(executor_, pool_, *launcher_, random_, options);
    Awaited<absl::StatusOr<proto::JobGraph>> result;
    executor_.Post([&] {
      planner.Plan(binary, {"--seven", "7"}, [&result](absl::StatusOr<proto::JobGraph> graph) {
        result.Set(std::move(graph));
      });
    });
    return result.Await().value_or(absl::DeadlineExceededError("no answer"));
  }

  absl::StatusOr<proto::TransactionsResult> Inspect(const std::string& binary) {
    ProcessJobPlannerOptions options;
    options.directory = directory_.File("plans");
    options.inspection_timeout = absl::Seconds(5);
    ProcessJobPlanner planner(executor_, pool_, *launcher_, random_, options);
    Awaited<absl::StatusOr<proto::TransactionsResult>> result;
    proto::RunTransactions request;
    request.set_artifact("sha");
    request.add_arguments("--seven");
    executor_.Post([&] {
      planner.Inspect(binary, request, [&result](absl::StatusOr<proto::TransactionsResult> answer) {
        result.Set(std::move(answer));
      });
    });
    return result.Await().value_or(absl::DeadlineExceededError("no answer"));
  }

  // A program with this body of main(), in C, that carries the marker of a Weir job.
  std::string CompileJob(const std::string& body, const std::string& extra = "") {
    const std::string source = directory_.File("job.c");
    std::ofstream(source) << "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
                             "#include <unistd.h>\n"
                             "const char marker[] = \"WEIR_JOB_BINARY_\" \"V1\";\n"
                             "int main(int argc, char** argv) { (void)argc; (void)argv;\n"
                          << body << "}\n";
    std::string binary = directory_.File("job");
    RunTool(absl::StrCat("gcc -o ", binary, " ", source, " ", extra));
    return binary;
  }

  // libweirtest.so, whose one function has this version.
  void CompileLibrary(const std::string& version) {
    std::ofstream(directory_.File("library.c")) << "int answer(void) { return 42; }\n";
    std::ofstream(directory_.File("library.map")) << version << " { global: answer; };\n";
    RunTool(absl::StrCat("gcc -shared -fPIC -Wl,--version-script=", directory_.File("library.map"),
                         " -o ", directory_.File("libweirtest.so"), " ",
                         directory_.File("library.c")));
  }

  std::string CompileJobWithLibrary(const std::string& version) {
    CompileLibrary(version);
    return CompileJob("int answer(void); return answer();", directory_.File("libweirtest.so"));
  }

  static void RunTool(const std::string& command) {
    ChildProcessOptions options;
    options.argv = {"/bin/sh", "-c", command};
    const auto result = ChildProcess::RunToEnd(options, kPatience);
    ASSERT_TRUE(result.ok() && result->exit_status == 0)
        << command << (result.ok() ? result->standard_error : "");
  }

  SystemRandom random_;
  ThreadBlockingPool pool_{ThreadBlockingPoolOptions()};
};

TEST_F(ProcessesTest, TellsAGoodEnd) {
  Launch(Shell("echo hello"));
  EXPECT_EQ(ExitReason(), "exited with code 0");
  EXPECT_EQ(ReadFile(directory_.File("log")), "hello\n");
}

TEST_F(ProcessesTest, TellsCodeAndLastLine) {
  Launch(Shell("echo first; echo 'the disk is on fire' >&2; exit 3"));
  EXPECT_EQ(ExitReason(), "exited with code 3: the disk is on fire");
}

TEST_F(ProcessesTest, WhatTheLibraryLoggedBesideIsNoReason) {
  Launch(
      Shell("echo 'the disk is on fire'; echo '2026-11-29T07:13:33.951782Z info    p[1] running'; "
            "exit 3"));
  EXPECT_EQ(ExitReason(), "exited with code 3: the disk is on fire");
}

TEST_F(ProcessesTest, TellsTheSignal) {
  Launch(Shell("kill -SEGV $$"));
  EXPECT_EQ(ExitReason(), "killed by signal 11 (SIGSEGV)");
}

TEST_F(ProcessesTest, AKillWhileTheKernelCountsOneSaysSo) {
  std::filesystem::create_directory(directory_.File("proc"));
  const std::string file = directory_.File("proc/vmstat");
  std::ofstream(file) << "oom_kill 1\n";
  Launch(Shell("echo oom_kill 2 > proc/vmstat; kill -KILL $$"));
  EXPECT_EQ(ExitReason(),
            absl::StrCat("killed by signal 9 (SIGKILL); maybe the kernel's, out of memory: "
                         "'oom_kill' of ",
                         file, " has risen"));
}

// What a process held is closed before it can be waited for, and who sees that kills it, too. The
// moment between the two is short: this meets it now and then.
TEST_F(ProcessesTest, AKillThatFindsItEndingIsNotItsEnd) {
  const std::string fifo = directory_.File("fifo");
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  const auto launch = Launch(Shell("exec 5> fifo; kill -KILL $$"));
  ReadFile(fifo);
  launcher_->Kill(launch);
  EXPECT_EQ(ExitReason(), "killed by signal 9 (SIGKILL)");
}

TEST_F(ProcessesTest, TellsWhyItCouldNotStart) {
  ProcessSpec spec = Shell("");
  spec.binary = directory_.File("nothing");
  Launch(spec);
  EXPECT_EQ(ExitReason(), "could not be started: No such file or directory");
}

TEST_F(ProcessesTest, KillReachesChildrenOfTheProcess) {
  const auto launch = Launch(Shell("sleep 1000 & echo $! > child; wait"));
  ASSERT_TRUE(pid_.Await().has_value());
  const std::string file = directory_.File("child");
  while (ReadFile(file).find('\n') == std::string::npos) std::this_thread::yield();
  launcher_->Kill(launch);
  EXPECT_EQ(ExitReason(), "ended by its TaskManager");
  const pid_t child = static_cast<pid_t>(std::stol(ReadFile(file)));
  const auto state = [child] { return ReadFile(absl::StrCat("/proc/", child, "/stat")); };
  while (kill(child, 0) == 0 && state().find(") Z ") == std::string::npos) {
    std::this_thread::yield();
  }
}

TEST_F(ProcessesTest, SeesOnlyItsOwnEnvironmentAndDescriptors) {
  const int leaked = dup(2);  // not close-on-exec
  Launch(
      Shell("env | cut -d= -f1 | sort | grep -v -e ^_ -e PWD | tr '\\n' ' '; "
            "for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo leaked $fd; done; :"));
  EXPECT_EQ(ExitReason(), "exited with code 0");
  close(leaked);
  EXPECT_EQ(ReadFile(directory_.File("log")), "PATH ");
}

TEST_F(ProcessesTest, PlansAJob) {
  const std::string binary = CompileJob(
      // JobGraph{job_name: "x", vertices: {id: 1}}
      "const char graph[] = {0x12, 1, 'x', 0x1a, 2, 8, 1};\n"
      "if (argc != 5 || strcmp(argv[1], \"__plan\") || strcmp(argv[3], \"--seven\")) return 9;\n"
      "return write(3, graph, sizeof(graph)) != sizeof(graph);");
  const auto graph = Plan(binary);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->job_name(), "x");
  EXPECT_EQ(graph->vertices_size(), 1);
}

TEST_F(ProcessesTest, AsksAJobForItsTransactions) {
  const std::string binary = CompileJob(
      // TransactionsResult{error: <the first byte of the request's artifact>}
      "if (argc != 5 || strcmp(argv[1], \"__transactions\") || strcmp(argv[4], \"--seven\")) {\n"
      "  return 9;\n}\n"
      "if (strncmp(argv[2], \"--request=\", 10)) return 8;\n"
      "FILE* file = fopen(argv[2] + 10, \"rb\");\n"
      "char bytes[3];\n"  // field 2, length, its first letter
      "if (file == NULL || fread(bytes, 1, 3, file) != 3) return 7;\n"
      "const char answer[] = {0x1a, 1, bytes[2]};\n"
      "return write(3, answer, sizeof(answer)) != sizeof(answer);");
  const auto result = Inspect(binary);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->error(), "s");
  EXPECT_TRUE(std::filesystem::is_empty(directory_.File("plans")));
}

TEST_F(ProcessesTest, AJobThatTellsNothingOfItsTransactionsIsNotTheUsersFault) {
  EXPECT_EQ(Inspect(CompileJob("return 0;")).status(),
            absl::UnknownError("the job ran and told nothing of its transactions"));
  EXPECT_EQ(Inspect(CompileJob("puts(\"no memory\"); return 3;")).status(),
            absl::UnknownError("the job's transactions could not be looked at: it exited with code "
                               "3: no memory"));
}

TEST_F(ProcessesTest, PlanOfAnotherProgramIsRefusedUnstarted) {
  EXPECT_EQ(Plan("/bin/true").status(),
            absl::InvalidArgumentError(
                "'/bin/true' is not a Weir job: it was not built with weir::RunJob"));
}

TEST_F(ProcessesTest, PlanThatFailsTellsItsLastLine) {
  const auto graph = Plan(CompileJob("fputs(\"unknown topic 'flihgts'\\n\", stderr); return 2;"));
  EXPECT_EQ(graph.status(), absl::InvalidArgumentError(
                                "the job could not be planned: it exited with code 2: unknown "
                                "topic 'flihgts'"));
}

TEST_F(ProcessesTest, PlanWithoutEndIsStopped) {
  const auto graph = Plan(CompileJob("sleep(1000); return 0;"), absl::Milliseconds(200));
  EXPECT_EQ(graph.status(), absl::InvalidArgumentError("the job made no graph within 200ms"));
}

TEST_F(ProcessesTest, PlanThatTakesTooMuchMemoryIsStopped) {
  const auto graph =
      Plan(CompileJob("memset(malloc(200 << 20), 1, 200 << 20); sleep(999); return 0;"));
  EXPECT_THAT(std::string(graph.status().message()),
              AllOf(HasSubstr("could not be planned: it was killed by its TaskManager: it used"),
                    HasSubstr("of 64.0 MiB")));
}

TEST_F(ProcessesTest, PlanThatMissesALibraryNamesIt) {
  const std::string binary = CompileJobWithLibrary("V_1");
  ASSERT_EQ(unlink(directory_.File("libweirtest.so").c_str()), 0);
  EXPECT_EQ(Plan(binary).status(),
            absl::InvalidArgumentError(absl::StrCat("the job needs the shared library ",
                                                    directory_.File("libweirtest.so"),
                                                    ", which the TaskManager's node does not "
                                                    "have")));
}

// As a job that was built with a newer libc.
TEST_F(ProcessesTest, PlanThatNeedsANewerLibraryNamesItAndTheVersion) {
  const std::string binary = CompileJobWithLibrary("V_2.38");
  CompileLibrary("V_2.36");
  EXPECT_EQ(Plan(binary).status(),
            absl::InvalidArgumentError("the job needs version V_2.38 of the library "
                                       "libweirtest.so, and the TaskManager's node has an older "
                                       "one"));
}

TEST_F(ProcessesTest, PlanOfAForeignExecutableSaysSo) {
  const std::string binary = directory_.File("foreign");
  // An ELF file of no known machine.
  std::ofstream(binary) << "\x7f"
                           "ELF"
                        << std::string(60, '\1') << "WEIR_JOB_"
                        << "BINARY_V1";
  ASSERT_EQ(chmod(binary.c_str(), 0755), 0);
  EXPECT_EQ(Plan(binary).status(),
            absl::InvalidArgumentError("the job's binary could not be started: Exec format error"));
}

// Gives what the test put in, and counts.
class TestingArtifactFetcher final : public ArtifactFetcher {
 public:
  explicit TestingArtifactFetcher(Executor& executor) : executor_(executor) {}
  void Fetch(const ArtifactId&, const std::string& path,
             std::function<void(absl::Status)> done) override {
    ++fetches;
    if (status.ok()) std::ofstream(path) << contents;
    executor_.Post([done = std::move(done), status = status] { done(status); });
  }
  std::string contents;
  absl::Status status;
  int fetches = 0;

 private:
  Executor& executor_;
};

class ArtifactCacheTest : public ProcessesTest {
 protected:
  absl::StatusOr<std::string> Get(ArtifactCache& cache, const std::string& contents) {
    Awaited<absl::StatusOr<std::string>> result;
    executor_.Post([&] {
      fetcher_.contents = contents;
      cache.Get(ArtifactId(Sha256Hex(contents)),
                [&result](absl::StatusOr<std::string> path) { result.Set(std::move(path)); });
    });
    return result.Await().value_or(absl::DeadlineExceededError("no answer"));
  }
  ArtifactCacheOptions Options() {
    ArtifactCacheOptions options;
    options.directory = directory_.File("artifacts");
    options.max_artifacts = 2;
    return options;
  }

  TestingArtifactFetcher fetcher_{executor_};
};

TEST_F(ArtifactCacheTest, FetchesOnceAndMakesExecutable) {
  ArtifactCache cache(executor_, pool_, fetcher_, Options());
  const auto path = Get(cache, "binary");
  ASSERT_TRUE(path.ok()) << path.status();
  EXPECT_EQ(ReadFile(*path), "binary");
  struct stat info = {};
  ASSERT_EQ(stat(path->c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0500u);
  EXPECT_TRUE(Get(cache, "binary").ok());
  EXPECT_EQ(fetcher_.fetches, 1);
}

TEST_F(ArtifactCacheTest, TakesOverAGoodCopyAndReplacesABadOne) {
  {
    ArtifactCache earlier(executor_, pool_, fetcher_, Options());
    ASSERT_TRUE(Get(earlier, "good").ok());
    const auto bad = Get(earlier, "bad");
    ASSERT_TRUE(bad.ok());
    ASSERT_EQ(chmod(bad->c_str(), 0600), 0);
    std::ofstream(*bad) << "overwritten";
  }
  ArtifactCache cache(executor_, pool_, fetcher_, Options());
  fetcher_.fetches = 0;
  EXPECT_TRUE(Get(cache, "good").ok());
  EXPECT_EQ(fetcher_.fetches, 0);
  const auto bad = Get(cache, "bad");
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(fetcher_.fetches, 1);
  EXPECT_EQ(ReadFile(*bad), "bad");
}

TEST_F(ArtifactCacheTest, RemovesTheLongestUnused) {
  ArtifactCache cache(executor_, pool_, fetcher_, Options());
  ASSERT_TRUE(Get(cache, "a").ok());
  ASSERT_TRUE(Get(cache, "b").ok());
  ASSERT_TRUE(Get(cache, "a").ok());
  ASSERT_TRUE(Get(cache, "c").ok());
  fetcher_.fetches = 0;
  EXPECT_TRUE(Get(cache, "a").ok());
  EXPECT_EQ(fetcher_.fetches, 0);
  EXPECT_TRUE(Get(cache, "b").ok());
  EXPECT_EQ(fetcher_.fetches, 1);
}

TEST_F(ArtifactCacheTest, PassesOnWhatTheFetcherSays) {
  ArtifactCache cache(executor_, pool_, fetcher_, Options());
  fetcher_.status = absl::NotFoundError("the cluster has no artifact x");
  EXPECT_EQ(Get(cache, "x").status(), fetcher_.status);
  fetcher_.status = absl::OkStatus();
  EXPECT_TRUE(Get(cache, "x").ok());
}

TEST_F(ArtifactCacheTest, WorkerIsStartedWithItsArguments) {
  const std::string binary = CompileJob(
      "for (int i = 1; i < argc; ++i) printf(\"%s \", argv[i]);\n"
      "puts(\"\"); return 5;");
  ArtifactCache cache(executor_, pool_, fetcher_, Options());
  ProcessJobPlanner planner(executor_, pool_, *launcher_, random_, {});
  PosixFileSystem files(random_);
  ProcessWorkerLauncher::Options options;
  options.socket = "unix:/run/tm.sock";
  options.log_directory = directory_.File("logs");
  const SystemClock clock;
  ProcessWorkerLauncher agent(options,
                              {clock, executor_, pool_, files, cache, *launcher_, planner});
  proto::WorkerSpec spec;
  spec.set_worker("w1");
  spec.set_job("j1");
  spec.add_arguments("--brokers=x");
  Awaited<std::string> ended;
  executor_.Post([&] {
    fetcher_.contents = ReadFile(binary);
    spec.set_artifact(Sha256Hex(fetcher_.contents));
    agent.Launch(
        spec, [](uint64_t) {}, [&](const std::string& reason) { ended.Set(reason); });
  });
  EXPECT_THAT(ended.Await().value_or("still running"),
              AllOf(StartsWith("exited with code 5: __worker --socket=unix:/run/tm.sock "
                               "--worker=w1 --job=j1 "),
                    testing::EndsWith(" -- --brokers=x")));
}

}  // namespace
}  // namespace weir::taskmanager
