#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "proto/control.pb.h"

namespace weir::taskmanager {

/// Starts and kills the worker processes of one TaskManager, and plans jobs in short-lived ones. A
/// seam: real processes, threads of this process in a local run, objects in the simulator.
///
/// Threads: all calls and callbacks on the TaskManager's executor; nothing blocks.
class WorkerLauncher {
 public:
  virtual ~WorkerLauncher() = default;
  /// Fetches the artifact if need be and starts the worker. `started` gets its process id. `exited`
  /// is called once, with words like "killed by signal 9 (SIGKILL)", also when the start failed.
  virtual void Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
                      std::function<void(const std::string& reason)> exited) = 0;
  /// Ends it at once; `exited` follows. Nothing happens when there is no such worker.
  virtual void Kill(const WorkerId& worker) = 0;
  /// Asks it to end in order, and kills it when it has not after a while; `exited` follows.
  virtual void End(const WorkerId& worker) { Kill(worker); }
  /// Runs the job's binary as planner. INVALID_ARGUMENT, one sentence: not a job, bad arguments.
  virtual void Plan(const proto::RunPlanner& request,
                    std::function<void(absl::StatusOr<proto::JobGraph>)> done) = 0;
  /// Runs the job's binary with coordinator tasks alone, for one question about its transactions.
  /// UNIMPLEMENTED where a job has no binary.
  virtual void Inspect(const proto::RunTransactions& request,
                       std::function<void(absl::StatusOr<proto::TransactionsResult>)> done) {
    (void)request;
    done(absl::UnimplementedError("transactions can be looked at in a cluster only"));
  }
  /// What workers of the job wrote, those that have ended, too; they are told without the name of
  /// the TaskManager. UNIMPLEMENTED where workers write to no files.
  using WorkerLogs = std::vector<proto::WorkerLog>;
  virtual void ReadLogs(const proto::ReadWorkerLogs& request,
                        std::function<void(absl::StatusOr<WorkerLogs>)> done) {
    (void)request;
    done(absl::UnimplementedError("workers have logs of their own in a cluster only"));
  }
};

}  // namespace weir::taskmanager
