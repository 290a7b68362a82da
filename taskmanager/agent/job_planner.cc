#include "taskmanager/agent/job_planner.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/base/status_macros.h"
#include "common/net/artifact_file.h"
#include "taskmanager/agent/posix_process_launcher.h"

namespace weir::taskmanager {
namespace {

constexpr uint64_t kMaxGraphBytes = 16 * 1024 * 1024;

std::string ReadFile(const std::string& path, uint64_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string contents(max_bytes, '\0');
  file.read(contents.data(), static_cast<std::streamsize>(max_bytes));
  contents.resize(static_cast<size_t>(file.gcount()));
  return contents;
}

// On the pool: before the process is started.
absl::Status Prepare(const std::string& directory, const std::string& binary) {
  WEIR_RETURN_IF_ERROR(CheckJobBinary(binary));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot make directory '", directory, "': ", error.message()));
}

// What ld.so says, in words for the job's author; "" when it is not about libraries.
// "x: error while loading shared libraries: libfoo.so.1: cannot open shared object file: ..."
// "x: /lib/libc.so.6: version `GLIBC_2.38' not found (required by x)"
std::string LoaderError(const std::string& log) {
  constexpr absl::string_view kMissing = "error while loading shared libraries: ";
  if (const size_t at = log.find(std::string(kMissing)); at != std::string::npos) {
    const size_t begin = at + kMissing.size();
    const std::string library = log.substr(begin, log.find(':', begin) - begin);
    return absl::StrCat("the job needs the shared library ", library,
                        ", which the TaskManager's node does not have");
  }
  constexpr absl::string_view kVersion = "version `";
  const size_t at = log.find(std::string(kVersion));
  const size_t end = at == std::string::npos ? at : log.find("' not found", at);
  if (end == std::string::npos) return "";
  const size_t begin = at + kVersion.size();
  return absl::StrCat("the job needs ", log.substr(begin, end - begin),
                      ", newer than the libraries of the TaskManager's node");
}

}  // namespace

// One planning run.
struct ProcessJobPlanner::Run {
  std::string binary;
  std::vector<std::string> arguments;
  Done done;
  std::string graph_file;
  std::string log_file;
  TimerId timer = 0;
  bool timed_out = false;

  // On the pool: what the ended process left.
  absl::StatusOr<proto::JobGraph> Result(const ProcessExit& exit,
                                         const ProcessJobPlannerOptions& options) const;
};

absl::StatusOr<proto::JobGraph> ProcessJobPlanner::Run::Result(
    const ProcessExit& exit, const ProcessJobPlannerOptions& options) const {
  if (exit.start_error != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the job's binary ", exit.reason));
  }
  if (timed_out) {
    return absl::InvalidArgumentError(
        absl::StrCat("the job made no graph within ", absl::FormatDuration(options.timeout)));
  }
  if (exit.code != 0) {
    const std::string loader_error = LoaderError(ReadFile(log_file, kMaxGraphBytes));
    if (!loader_error.empty()) return absl::InvalidArgumentError(loader_error);
    return absl::InvalidArgumentError(
        absl::StrCat("the job could not be planned: it ", exit.reason));
  }
  const std::string bytes = ReadFile(graph_file, kMaxGraphBytes + 1);
  if (bytes.size() > kMaxGraphBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the job's graph is larger than ", FormatBytes(kMaxGraphBytes)));
  }
  proto::JobGraph graph;
  if (bytes.empty() || !graph.ParseFromString(bytes) || graph.vertices().empty()) {
    return absl::InvalidArgumentError("the job ran as planner and gave no graph");
  }
  return graph;
}

ProcessJobPlanner::ProcessJobPlanner(Executor& executor, BlockingPool& pool,
                                     ProcessLauncher& launcher, Random& random,
                                     ProcessJobPlannerOptions options)
    : executor_(executor),
      pool_(pool),
      launcher_(launcher),
      random_(random),
      options_(std::move(options)) {}

void ProcessJobPlanner::Plan(const std::string& binary, const std::vector<std::string>& arguments,
                             Done done) {
  auto run = std::make_shared<Run>();
  run->binary = binary;
  run->arguments = {"__plan", "--"};
  run->arguments.insert(run->arguments.end(), arguments.begin(), arguments.end());
  run->done = std::move(done);
  const std::string base = absl::StrCat(options_.directory, "/", random_.HexId("plan-"));
  run->graph_file = absl::StrCat(base, ".graph");
  run->log_file = absl::StrCat(base, ".log");
  pool_.Run<absl::Status>(
      executor_, [directory = options_.directory, binary] { return Prepare(directory, binary); },
      lifetime_.Guard([this, run](const absl::Status& status) {
        if (!status.ok()) return run->done(status);
        Start(run);
      }));
}

void ProcessJobPlanner::Start(std::shared_ptr<Run> run) {
  ProcessSpec spec;
  spec.binary = run->binary;
  spec.arguments = run->arguments;
  spec.environment = options_.environment;
  spec.working_directory = options_.directory;
  spec.log_file = run->log_file;
  spec.output_file = run->graph_file;
  spec.memory_limit_bytes = options_.memory_limit_bytes;
  ProcessLauncher::Callbacks callbacks;
  callbacks.on_exit =
      lifetime_.Guard([this, run](const ProcessExit& exit) { HandleExit(run, exit); });
  const ProcessLauncher::LaunchId launch = launcher_.Launch(std::move(spec), std::move(callbacks));
  run->timer = executor_.PostAfter(options_.timeout, lifetime_.Guard([this, run, launch] {
    run->timed_out = true;
    launcher_.Kill(launch);
  }));
}

void ProcessJobPlanner::HandleExit(std::shared_ptr<Run> run, const ProcessExit& exit) {
  executor_.Cancel(run->timer);
  pool_.Run<absl::StatusOr<proto::JobGraph>>(
      executor_,
      [run, exit, options = options_] {
        absl::StatusOr<proto::JobGraph> result = run->Result(exit, options);
        unlink(run->graph_file.c_str());
        unlink(run->log_file.c_str());
        return result;
      },
      lifetime_.Guard(
          [run](absl::StatusOr<proto::JobGraph> result) { run->done(std::move(result)); }));
}

}  // namespace weir::taskmanager
