#include "api/run/local_run.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "api/run/local_cluster.h"
#include "client/pause.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/config/config_loader.h"
#include "common/config/options.h"
#include "common/exec/signal_waiter.h"
#include "common/graph/planner.h"
#include "common/net/leader_redirect.h"
#include "state/checkpoint/storage_check.h"

namespace weir {
namespace {

constexpr absl::Duration kPollInterval = absl::Milliseconds(50);

/// A directory for checkpoints that goes with the run, unless storage.root names one.
class RunStorage {
 public:
  explicit RunStorage(const Config& config) {
    if (config.IsSet(options::kStorageRoot.spec())) {
      path_ = std::filesystem::absolute(config.Get(options::kStorageRoot)).string();
      return;
    }
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-run-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr) path_ = temporary_ = pattern;
  }
  ~RunStorage() {
    std::error_code ignored;
    if (!temporary_.empty()) std::filesystem::remove_all(temporary_, ignored);
  }
  RunStorage(const RunStorage&) = delete;
  RunStorage& operator=(const RunStorage&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::string temporary_;
};

// The JobManager does not lead yet, or its TaskManager has not registered yet.
bool IsStarting(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsResourceExhausted(status) ||
         LeaderAddressOf(status).has_value();
}

absl::Status AwaitEnd(LocalCluster& cluster, const std::string& job,
                      const std::atomic<int>& signals) {
  std::string shown;
  int handled = 0;
  bool recovering = false;
  for (;; Pause(kPollInterval)) {
    WEIR_ASSIGN_OR_RETURN(const proto::JobSummary summary, cluster.Summary(job));
    // A job that fails for good is RECOVERING while its end is being logged: only the second look
    // tells that it comes back.
    const bool was_recovering = std::exchange(recovering, summary.state() == "RECOVERING");
    if (recovering && !was_recovering) continue;
    if (summary.state() != shown) {
      shown = summary.state();
      const bool ends_badly = shown == "FAILED" || shown == "SUSPENDED";
      if (ends_badly) return absl::AbortedError(summary.reason());  // the caller prints it
      std::fprintf(stderr, "%s is %s%s%s\n", summary.name().c_str(), shown.c_str(),
                   summary.reason().empty() ? "" : ": ", summary.reason().c_str());
    }
    if (shown == "FINISHED" || shown == "CANCELED") return absl::OkStatus();
    const int received = signals.load();
    if (received > 1) return absl::CancelledError("ended by a second signal");
    // It may never run again.
    const bool runs = shown == "RUNNING" || shown == "STOPPING";
    if (received > handled && !runs && summary.restarts() > 0) {
      return absl::CancelledError(
          absl::StrCat("ended by a signal while it was ", shown, ": ", summary.reason()));
    }
    if (received > handled && shown == "RUNNING") {
      handled = received;
      WEIR_RETURN_IF_ERROR(cluster.Stop(job));
    }
  }
}

/// What is worth a line is printed by AwaitEnd; the log is for who asks for it.
absl::Status OpenRunLog(const Config& config) {
  LogOptions log;
  log.process_name = "run";
  const bool asked = config.IsSet(options::kLogLevel.spec());
  WEIR_ASSIGN_OR_RETURN(log.level, ParseLogLevel(asked ? config.Get(options::kLogLevel) : "error"));
  return InitLogging(log);
}

}  // namespace

absl::Status RunLocally(const JobProgram& program, const JobCommandLine& line) {
  SignalWaiter signal_waiter;
  std::vector<std::string> options = line.options;
  const bool take_over = std::erase(options, "--take-over") > 0;
  ConfigLoader loader;
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> rest, loader.AddFlags(options));
  if (!rest.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("unexpected argument '", rest[0],
                                                   "'; the job's own arguments stand behind --"));
  }
  WEIR_ASSIGN_OR_RETURN(const Config given, loader.Build());
  WEIR_RETURN_IF_ERROR(OpenRunLog(given));
  WEIR_ASSIGN_OR_RETURN(const StreamGraph graph, program.MakeGraph(line.job_arguments));
  WEIR_ASSIGN_OR_RETURN(proto::JobGraph plan, PlanJob(graph));
  const RunStorage storage(given);
  std::map<std::string, std::string> values = given.values();
  values[std::string(options::kStorageRoot.key())] = storage.path();
  WEIR_ASSIGN_OR_RETURN(const Config config, Config::FromValues(values));
  {
    SystemRandom random;
    PosixFileSystem files(random);
    const StorageLayout layout(storage.path(), config.Get(options::kClusterId));
    WEIR_RETURN_IF_ERROR(CheckStorage(files, layout.ClusterLogDirectory(), random));
  }
  LocalCluster cluster(graph, std::move(plan), config);
  std::atomic<int> signals{0};
  ThreadExecutor signal_thread({.name = "weir-signals", .slow_closure = absl::InfiniteDuration()});
  signal_thread.Post([&] {
    while (signal_waiter.Wait() != 0) ++signals;
  });
  absl::StatusOr<std::string> job = cluster.Submit({}, take_over);
  for (int tries = 0; IsStarting(job.status()) && tries < 100; ++tries) {
    Pause(kPollInterval);
    job = cluster.Submit({}, take_over);
  }
  const absl::Status ended = job.ok() ? AwaitEnd(cluster, *job, signals) : job.status();
  signal_waiter.RequestExit();
  return ended;
}

}  // namespace weir
