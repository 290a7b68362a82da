#include "taskmanager/agent/process_worker_launcher.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/config/options.h"
#include "taskmanager/agent/worker_logs.h"
#include "taskmanager/local_state/state_folders.h"

namespace weir::taskmanager {
namespace {

// How long a worker's copies of its state outlive it.
constexpr absl::Duration kCopiesAge = absl::Minutes(5);

}  // namespace

ProcessWorkerLauncher::ProcessWorkerLauncher(Options options, Dependencies dependencies)
    : options_(std::move(options)),
      deps_(dependencies),
      ended_workers_(WorkersWithStateFolders(options_.state_directory)) {
  if (!ended_workers_.empty()) CleanStateOf(ended_workers_);
}

void ProcessWorkerLauncher::Launch(const proto::WorkerSpec& spec,
                                   std::function<void(uint64_t pid)> started,
                                   std::function<void(const std::string& reason)> exited) {
  const WorkerId worker(spec.worker());
  running_[worker] = Running{0, std::move(started), std::move(exited), spec.job()};
  deps_.artifacts.Get(
      ArtifactId(spec.artifact()),
      lifetime_.Guard([this, spec, worker](const absl::StatusOr<std::string>& binary) {
        if (running_.count(worker) == 0) return;  // killed meanwhile
        if (!binary.ok()) {
          return Finish(worker, absl::StrCat("could not be started: ", binary.status().message()));
        }
        const std::string directory = absl::StrCat(options_.log_directory, "/", spec.job());
        deps_.pool.Run<absl::Status>(
            deps_.executor,
            [&files = deps_.files, directory] { return files.MakeDirectory(directory); },
            lifetime_.Guard([this, spec, worker, path = *binary](const absl::Status& made) {
              if (running_.count(worker) == 0) return;
              if (!made.ok()) {
                return Finish(worker, absl::StrCat("could not be started: ", made.message()));
              }
              StartProcess(spec, path);
            }));
      }));
}

void ProcessWorkerLauncher::StartProcess(const proto::WorkerSpec& spec, const std::string& binary) {
  const WorkerId worker(spec.worker());
  ProcessSpec process;
  process.binary = binary;
  process.arguments = {"__worker",
                       absl::StrCat("--socket=", options_.socket),
                       absl::StrCat("--worker=", spec.worker()),
                       absl::StrCat("--job=", spec.job()),
                       absl::StrCat("--host=", options_.host),
                       absl::StrCat("--exchange-tls=", options_.exchange_tls ? "on" : "off"),
                       absl::StrCat("--state-dir=", StateFolderOf(options_.state_directory,
                                                                  spec.job(), spec.worker())),
                       absl::StrCat("--parent-pid=", options_.parent_pid),
                       absl::StrCat("--log-level=", options_.log_level),
                       absl::StrCat("--log-format=", options_.log_format),
                       "--"};
  process.arguments.insert(process.arguments.end(), spec.arguments().begin(),
                           spec.arguments().end());
  process.environment = options_.environment;
  process.log_file =
      absl::StrCat(options_.log_directory, "/", spec.job(), "/", spec.worker(), ".log");
  process.memory_limit_bytes = options_.memory_limit_bytes;
  process.memory_limit_option = std::string(options::kTaskmanagerWorkerMemoryLimit.key());
  ProcessLauncher::Callbacks callbacks;
  callbacks.on_started = lifetime_.Guard([this, worker](uint64_t pid) {
    const auto it = running_.find(worker);
    if (it != running_.end()) it->second.started(pid);
  });
  callbacks.on_exit = lifetime_.Guard([this, worker](const ProcessExit& exit) {
    const absl::string_view where = "; the report is in its log (weir logs JOB)";
    Finish(worker, absl::StrCat(exit.reason, exit.crashed ? where : ""));
  });
  running_[worker].launch = deps_.processes.Launch(std::move(process), std::move(callbacks));
}

void ProcessWorkerLauncher::Finish(const WorkerId& worker, const std::string& reason) {
  const auto it = running_.find(worker);
  if (it == running_.end()) return;
  const std::function<void(const std::string&)> exited = std::move(it->second.exited);
  const std::string directory = absl::StrCat(options_.log_directory, "/", it->second.job);
  endings_.push_back({it->second.job, worker.value(), reason});
  if (endings_.size() > kMaxEndings) endings_.pop_front();
  running_.erase(it);
  std::set<std::string> in_use;
  for (const auto& [id, running] : running_) in_use.insert(id.value() + ".log");
  deps_.pool.Submit([directory, keep = options_.keep_logs, in_use = std::move(in_use)] {
    RemoveOldLogs(directory, keep, in_use);
  });
  CleanStateOf({worker.value()});
  exited(reason);
}

void ProcessWorkerLauncher::CleanState() {
  deps_.pool.Submit([root = options_.state_directory, ended = ended_workers_,
                     now = deps_.clock.Now()] { CleanStateFolders(root, ended, kCopiesAge, now); });
}

// At once, and once more when the copies that it has found now are too old.
void ProcessWorkerLauncher::CleanStateOf(const std::set<std::string>& ended) {
  ended_workers_.insert(ended.begin(), ended.end());
  CleanState();
  deps_.executor.PostAfter(kCopiesAge + absl::Minutes(1), lifetime_.Guard([this, ended] {
    CleanState();
    for (const std::string& worker : ended) ended_workers_.erase(worker);
  }));
}

void ProcessWorkerLauncher::Kill(const WorkerId& worker) {
  const auto it = running_.find(worker);
  if (it == running_.end()) return;
  if (it->second.launch != 0) return deps_.processes.Kill(it->second.launch);
  deps_.executor.Post(
      lifetime_.Guard([this, worker] { Finish(worker, "ended before it was started"); }));
}

void ProcessWorkerLauncher::End(const WorkerId& worker) {
  const auto it = running_.find(worker);
  if (it == running_.end() || it->second.launch == 0) return Kill(worker);
  deps_.processes.Terminate(it->second.launch);
  deps_.executor.PostAfter(kEndPatience, lifetime_.Guard([this, worker] { Kill(worker); }));
}

void ProcessWorkerLauncher::Plan(const proto::RunPlanner& request,
                                 std::function<void(absl::StatusOr<proto::JobGraph>)> done) {
  std::vector<std::string> arguments(request.arguments().begin(), request.arguments().end());
  deps_.artifacts.Get(
      ArtifactId(request.artifact()),
      lifetime_.Guard([this, arguments = std::move(arguments),
                       done = std::move(done)](const absl::StatusOr<std::string>& binary) {
        if (!binary.ok()) return done(binary.status());
        deps_.planner.Plan(*binary, arguments, done);
      }));
}

void ProcessWorkerLauncher::Inspect(
    const proto::RunTransactions& request,
    std::function<void(absl::StatusOr<proto::TransactionsResult>)> done) {
  deps_.artifacts.Get(ArtifactId(request.artifact()),
                      lifetime_.Guard([this, request, done = std::move(done)](
                                          const absl::StatusOr<std::string>& binary) {
                        if (!binary.ok()) return done(binary.status());
                        deps_.planner.Inspect(*binary, request, done);
                      }));
}

void ProcessWorkerLauncher::ReadLogs(const proto::ReadWorkerLogs& request,
                                     std::function<void(absl::StatusOr<WorkerLogs>)> done) {
  if (request.job().empty() || request.job().find('/') != std::string::npos) {
    return done(absl::InvalidArgumentError(absl::StrCat("'", request.job(), "' is no job's id")));
  }
  KnownWorkers known;
  for (const auto& [id, running] : running_) {
    if (running.job == request.job()) known.alive.insert(id.value());
  }
  for (const Ending& ending : endings_) {
    if (ending.job == request.job()) known.endings[ending.worker] = ending.reason;
  }
  using Logs = absl::StatusOr<WorkerLogs>;
  deps_.pool.Run<Logs>(
      deps_.executor,
      [directory = absl::StrCat(options_.log_directory, "/", request.job()), request,
       known = std::move(known)]() -> Logs { return ReadLogFiles(directory, request, known); },
      lifetime_.Guard([done = std::move(done)](Logs logs) { done(std::move(logs)); }));
}

}  // namespace weir::taskmanager
