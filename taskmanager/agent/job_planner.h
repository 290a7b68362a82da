#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/random.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"
#include "taskmanager/agent/process_launcher.h"

namespace weir::taskmanager {

/// Asks a job's binary, in a process of its own: for its graph, and for what its sinks'
/// transactions are (a worker with coordinator tasks alone). Everything on one executor.
class JobPlanner {
 public:
  using Done = std::function<void(absl::StatusOr<proto::JobGraph>)>;
  using Inspected = std::function<void(absl::StatusOr<proto::TransactionsResult>)>;
  virtual ~JobPlanner() = default;
  virtual void Plan(const std::string& binary, const std::vector<std::string>& arguments,
                    Done done) = 0;
  virtual void Inspect(const std::string& binary, const proto::RunTransactions& request,
                       Inspected done) = 0;
};

struct ProcessJobPlannerOptions {
  std::string
      directory;  // "<taskmanager.work-dir>/plans"; made when missing, for short-lived files
  std::map<std::string, std::string> environment;  // scrubbed
  absl::Duration timeout = absl::Seconds(10);
  absl::Duration inspection_timeout = absl::Seconds(50);  // several steps of 10 s at the outside
  uint64_t memory_limit_bytes = uint64_t{512} << 20;
};

/// Runs `<binary> __plan -- <arguments>` under limits of time and memory, and reads the serialized
/// JobGraph from what it writes to descriptor 3. Likewise `__transactions --request=FILE`.
///
/// Errors of Plan, one sentence that a job author understands: INVALID_ARGUMENT: not a Weir job,
/// cannot be executed here, a shared library or a newer libc is missing, the build function failed
/// (its last line), no graph in time or in memory; UNAVAILABLE: this node's disk. Of Inspect:
/// UNKNOWN for all of these; what the binary itself says is in the result. Threads: one executor;
/// disk work on the pool. Lifetime: all that is handed in outlives it.
class ProcessJobPlanner final : public JobPlanner {
 public:
  ProcessJobPlanner(Executor& executor, BlockingPool& pool, ProcessLauncher& launcher,
                    Random& random, ProcessJobPlannerOptions options);

  void Plan(const std::string& binary, const std::vector<std::string>& arguments,
            Done done) override;
  void Inspect(const std::string& binary, const proto::RunTransactions& request,
               Inspected done) override;

 private:
  struct Run;

  void Ask(std::shared_ptr<Run> run);
  void Start(std::shared_ptr<Run> run);
  void HandleExit(std::shared_ptr<Run> run, const ProcessExit& exit);

  Executor& executor_;
  BlockingPool& pool_;
  ProcessLauncher& launcher_;
  Random& random_;
  const ProcessJobPlannerOptions options_;
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager
