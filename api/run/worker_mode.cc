#include "api/run/worker_mode.h"

#include <cstdio>
#include <map>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/graph/planner.h"
#include "taskmanager/task/crash_report.h"
#include "taskmanager/worker/grpc_worker_process.h"

namespace weir {

absl::Status RunWorkerMode(const JobProgram& program, const JobCommandLine& line,
                           std::function<void(const proto::Envelope&)> on_sent) {
  // Lines that functions print are to be in the worker's log when it is killed.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  WEIR_ASSIGN_OR_RETURN(auto values,
                        line.OptionValues({"socket", "worker", "job", "host", "exchange-tls",
                                           "state-dir", "parent-pid", "log-level", "log-format"}));
  taskmanager::InstallCrashReports("worker " + values["worker"]);
  LogOptions log;
  log.process_name = "worker";
  WEIR_ASSIGN_OR_RETURN(log.level, ParseLogLevel(values["log-level"]));
  WEIR_ASSIGN_OR_RETURN(log.format, ParseLogFormat(values["log-format"]));
  log.fields = {{"job", values["job"]}, {"worker", values["worker"]}};
  WEIR_RETURN_IF_ERROR(InitLogging(log));
  WEIR_ASSIGN_OR_RETURN(const StreamGraph graph, program.MakeGraph(line.job_arguments));
  WEIR_ASSIGN_OR_RETURN(const proto::JobGraph plan, PlanJob(graph));
  taskmanager::WorkerProcessOptions options;
  options.socket = values["socket"];
  options.worker = values["worker"];
  options.job = values["job"];
  options.host = values["host"];
  options.exchange_tls = values["exchange-tls"] == "on";
  options.state_directory = values["state-dir"];
  if (!absl::SimpleAtoi(values["parent-pid"], &options.parent_pid)) {
    return absl::InvalidArgumentError("--parent-pid is not a number");
  }
  options.on_sent = std::move(on_sent);
  taskmanager::RunWorkerProcess(options, graph, plan);
}

}  // namespace weir
