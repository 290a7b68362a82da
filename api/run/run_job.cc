#include "weir/run_job.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "api/run/command_line.h"
#include "api/run/job_program.h"
#include "api/run/local_run.h"
#include "api/run/worker_mode.h"
#include "client/cli/cli_process.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/graph/plan_renderer.h"
#include "common/graph/planner.h"
#include "taskmanager/task/crash_report.h"
#include "taskmanager/worker/dead_letter_inspection.h"
#include "taskmanager/worker/transaction_inspection.h"

namespace weir {
namespace {

// A TaskManager runs no file as a job that does not hold these bytes.
[[gnu::used]] const char kJobMarker[] = "WEIR_JOB_BINARY_V1";

constexpr int kAnswerDescriptor = 3;

int Report(const std::string& job, const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", job.c_str(), std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

absl::StatusOr<proto::JobGraph> MakePlan(const JobProgram& program,
                                         const std::vector<std::string>& arguments) {
  WEIR_ASSIGN_OR_RETURN(const StreamGraph graph, program.MakeGraph(arguments));
  return PlanJob(graph);
}

absl::Status WriteAnswer(const std::string& bytes) {
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(kAnswerDescriptor, bytes.data() + written, bytes.size() - written);
    if (count <= 0) return absl::InternalError("the answer cannot be written to descriptor 3");
    written += static_cast<size_t>(count);
  }
  return absl::OkStatus();
}

/// Hidden mode of the planner process: the plan goes to descriptor 3.
absl::Status WritePlan(const JobProgram& program, const JobCommandLine& line) {
  WEIR_ASSIGN_OR_RETURN(const proto::JobGraph plan, MakePlan(program, line.job_arguments));
  return WriteAnswer(plan.SerializeAsString());
}

/// Hidden mode for `weir transactions` and `weir dlq`: coordinator tasks alone; the answer goes to
/// descriptor 3.
absl::Status WriteTransactions(const JobProgram& program, const JobCommandLine& line) {
  WEIR_ASSIGN_OR_RETURN(auto values, line.OptionValues({"request"}));
  std::ifstream file(values["request"], std::ios::binary);
  proto::RunTransactions request;
  if (!request.ParseFromIstream(&file)) {
    return absl::InvalidArgumentError("--request names no file with a question");
  }
  WEIR_ASSIGN_OR_RETURN(const StreamGraph graph, program.MakeGraph(line.job_arguments));
  WEIR_ASSIGN_OR_RETURN(const proto::JobGraph plan, PlanJob(graph));
  const proto::TransactionsResult result =
      request.has_dead_letters() ? taskmanager::InspectDeadLetters(graph, plan, request)
                                 : taskmanager::InspectTransactions(graph, plan, request);
  return WriteAnswer(result.SerializeAsString());
}

absl::Status ShowPlan(const JobProgram& program, const JobCommandLine& line) {
  WEIR_ASSIGN_OR_RETURN(auto options, line.OptionValues({"format"}));
  const std::string format = options.count("format") > 0 ? options["format"] : "text";
  if (format != "text" && format != "json" && format != "dot") {
    return absl::InvalidArgumentError(
        absl::StrCat("--format is '", format, "'; it must be text, json or dot"));
  }
  WEIR_ASSIGN_OR_RETURN(const proto::JobGraph plan, MakePlan(program, line.job_arguments));
  const std::string text = format == "json"  ? RenderPlanJson(plan)
                           : format == "dot" ? RenderPlanDot(plan)
                                             : RenderPlanText(plan);
  std::fputs(text.c_str(), stdout);
  return absl::OkStatus();
}

int SubmitJob(const JobCommandLine& line) {
  // The binary that is running now, wherever it was started from.
  char* self = realpath("/proc/self/exe", nullptr);
  std::vector<std::string> arguments = {"submit"};
  arguments.insert(arguments.end(), line.options.begin(), line.options.end());
  arguments.push_back(self == nullptr ? "/proc/self/exe" : self);
  std::free(self);
  arguments.push_back("--");
  arguments.insert(arguments.end(), line.job_arguments.begin(), line.job_arguments.end());
  return cli::RunCliProcess(arguments);
}

constexpr char kUsage[] =
    "Usage: %s VERB [options] [-- ARGUMENTS OF THE JOB]\n\n"
    "  run     run the job here, in this process, until it ends or Ctrl-C stops it\n"
    "          [--storage.root=DIR] [--checkpoint.interval=10s and other options of jobs]\n"
    "          [--take-over: from a job, a killed run say, what its sinks hold in Kafka]\n"
    "  plan    show what would run [--format=text|json|dot]\n"
    "  submit  send the job to a cluster [--jobmanager.addresses=HOST:PORT,...] [--name=NAME]\n"
    "          [--from=CHECKPOINT] [--no-wait] [--checkpoint.interval=10s and other options of "
    "jobs];\n"
    "          'submit --help' shows all\n";

}  // namespace

int RunJob(const char* name, int argc, char** argv,
           std::function<void(Environment&, const Args&)> build) {
  const JobProgram program(name, std::move(build));
  const JobCommandLine line = JobCommandLine::Parse(argc, argv);
  if (line.verb == "--version") {
    std::printf("%s, a job of Weir %s\n", name, kVersion);
    return 0;
  }
  if (line.AsksForHelp() && line.verb != "submit") {
    std::printf(kUsage, argc > 0 ? argv[0] : name);
    return 0;
  }
  if (line.verb == "__plan" || line.verb == "__transactions" || line.verb == "run") {
    taskmanager::InstallCrashReports(absl::StrCat(line.verb, " of job ", name));
  }
  if (line.verb == "__plan") return Report(name, WritePlan(program, line));
  if (line.verb == "__transactions") return Report(name, WriteTransactions(program, line));
  if (line.verb == "__worker") return Report(name, RunWorkerMode(program, line));
  if (line.verb == "plan") return Report(name, ShowPlan(program, line));
  if (line.verb == "run") return Report(name, RunLocally(program, line));
  if (line.verb == "submit") return SubmitJob(line);
  std::fprintf(stderr, kUsage, argc > 0 ? argv[0] : name);
  const std::string problem = line.verb.empty() ? "no verb is given; it must be run, plan or submit"
                                                : absl::StrCat("unknown verb '", line.verb, "'");
  return Report(name, absl::InvalidArgumentError(problem));
}

}  // namespace weir
