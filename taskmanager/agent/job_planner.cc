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

constexpr uint64_t kMaxOutputBytes = 16 * 1024 * 1024;

std::string ReadFile(const std::string& path, uint64_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  std::string contents(max_bytes, '\0');
  file.read(contents.data(), static_cast<std::streamsize>(max_bytes));
  contents.resize(static_cast<size_t>(file.gcount()));
  return contents;
}

// On the pool: before the process is started.
absl::Status Prepare(const std::string& directory, const std::string& binary,
                     const std::string& input_file, const std::string& input) {
  WEIR_RETURN_IF_ERROR(CheckJobBinary(binary));
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::UnavailableError(
        absl::StrCat("cannot make directory '", directory, "': ", error.message()));
  }
  if (input_file.empty()) return absl::OkStatus();
  std::ofstream file(input_file, std::ios::binary);
  file.write(input.data(), static_cast<std::streamsize>(input.size()));
  file.close();
  if (file) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot write '", input_file, "'"));
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
  constexpr absl::string_view kVersion = ": version `";
  const size_t at = log.find(std::string(kVersion));
  const size_t end = at == std::string::npos ? at : log.find("' not found", at);
  if (end == std::string::npos) return "";
  const size_t begin = at + kVersion.size();
  const size_t library = log.find_last_of(" /\n", at) + 1;  // 0 where the log begins with it
  return absl::StrCat("the job needs version ", log.substr(begin, end - begin), " of the library ",
                      log.substr(library, at - library),
                      ", and the TaskManager's node has an older one");
}

absl::StatusOr<proto::JobGraph> ParseGraph(const absl::StatusOr<std::string>& bytes) {
  WEIR_RETURN_IF_ERROR(bytes.status());
  if (bytes->size() > kMaxOutputBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("the job's graph is larger than ", FormatBytes(kMaxOutputBytes)));
  }
  proto::JobGraph graph;
  if (bytes->empty() || !graph.ParseFromString(*bytes) || graph.vertices().empty()) {
    return absl::InvalidArgumentError("the job ran as planner and gave no graph");
  }
  return graph;
}

absl::StatusOr<proto::TransactionsResult> ParseInspection(
    const absl::StatusOr<std::string>& bytes) {
  if (!bytes.ok()) return absl::UnknownError(bytes.status().message());
  proto::TransactionsResult result;
  if (bytes->empty() || bytes->size() > kMaxOutputBytes || !result.ParseFromString(*bytes)) {
    return absl::UnknownError("the job ran and told nothing of its transactions");
  }
  return result;
}

}  // namespace

// One question to a binary.
struct ProcessJobPlanner::Run {
  std::string binary;
  std::vector<std::string> arguments;
  absl::Duration timeout;
  const char* late = "";    // what did not happen in time
  const char* failed = "";  // what was not possible
  /// On the pool, with what the binary wrote; what it returns runs on the executor.
  std::function<std::function<void()>(absl::StatusOr<std::string>)> interpret;
  std::string input_file;  // "": none
  std::string input;
  std::string output_file;
  std::string log_file;
  TimerId timer = 0;
  bool timed_out = false;

  // On the pool: what the ended process left.
  absl::StatusOr<std::string> Result(const ProcessExit& exit) const;
};

absl::StatusOr<std::string> ProcessJobPlanner::Run::Result(const ProcessExit& exit) const {
  if (exit.start_error != 0) {
    return absl::InvalidArgumentError(absl::StrCat("the job's binary ", exit.reason));
  }
  if (timed_out) {
    return absl::InvalidArgumentError(
        absl::StrCat(late, " within ", absl::FormatDuration(timeout)));
  }
  if (exit.code != 0) {
    const std::string loader_error = LoaderError(ReadFile(log_file, kMaxOutputBytes));
    if (!loader_error.empty()) return absl::InvalidArgumentError(loader_error);
    const bool killed = absl::StartsWith(exit.reason, "killed");
    return absl::InvalidArgumentError(
        absl::StrCat(failed, killed ? ": it was " : ": it ", exit.reason));
  }
  return ReadFile(output_file, kMaxOutputBytes + 1);
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
  run->timeout = options_.timeout;
  run->late = "the job made no graph";
  run->failed = "the job could not be planned";
  run->interpret = [done = std::move(done)](const absl::StatusOr<std::string>& bytes) {
    return [done, graph = ParseGraph(bytes)] { done(graph); };
  };
  Ask(std::move(run));
}

void ProcessJobPlanner::Inspect(const std::string& binary, const proto::RunTransactions& request,
                                Inspected done) {
  auto run = std::make_shared<Run>();
  run->binary = binary;
  run->input_file = absl::StrCat(options_.directory, "/", random_.HexId("transactions-"));
  run->input = request.SerializeAsString();
  run->arguments = {"__transactions", absl::StrCat("--request=", run->input_file), "--"};
  run->arguments.insert(run->arguments.end(), request.arguments().begin(),
                        request.arguments().end());
  run->timeout = options_.inspection_timeout;
  run->late = "the job's transactions could not be looked at";
  run->failed = "the job's transactions could not be looked at";
  run->interpret = [done = std::move(done)](const absl::StatusOr<std::string>& bytes) {
    return [done, result = ParseInspection(bytes)] { done(result); };
  };
  Ask(std::move(run));
}

void ProcessJobPlanner::Ask(std::shared_ptr<Run> run) {
  const std::string base = absl::StrCat(options_.directory, "/", random_.HexId("plan-"));
  run->output_file = absl::StrCat(base, ".output");
  run->log_file = absl::StrCat(base, ".log");
  pool_.Run<absl::Status>(
      executor_,
      [directory = options_.directory, run] {
        return Prepare(directory, run->binary, run->input_file, run->input);
      },
      lifetime_.Guard([this, run](const absl::Status& status) {
        if (!status.ok()) return run->interpret(status)();
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
  spec.output_file = run->output_file;
  spec.memory_limit_bytes = options_.memory_limit_bytes;
  ProcessLauncher::Callbacks callbacks;
  callbacks.on_exit =
      lifetime_.Guard([this, run](const ProcessExit& exit) { HandleExit(run, exit); });
  const ProcessLauncher::LaunchId launch = launcher_.Launch(std::move(spec), std::move(callbacks));
  run->timer = executor_.PostAfter(run->timeout, lifetime_.Guard([this, run, launch] {
    run->timed_out = true;
    launcher_.Kill(launch);
  }));
}

void ProcessJobPlanner::HandleExit(std::shared_ptr<Run> run, const ProcessExit& exit) {
  executor_.Cancel(run->timer);
  pool_.Run<std::function<void()>>(
      executor_,
      [run, exit] {
        std::function<void()> answer = run->interpret(run->Result(exit));
        for (const std::string& file : {run->output_file, run->log_file, run->input_file}) {
          if (!file.empty()) unlink(file.c_str());
        }
        return answer;
      },
      lifetime_.Guard([](const std::function<void()>& answer) { answer(); }));
}

}  // namespace weir::taskmanager
