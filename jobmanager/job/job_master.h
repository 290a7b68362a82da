#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/time/clock.h"
#include "jobmanager/checkpoint/checkpoint_coordinator.h"
#include "jobmanager/checkpoint/job_log.h"
#include "jobmanager/job/execution.h"
#include "jobmanager/job/job_events.h"
#include "jobmanager/job/job_options.h"
#include "jobmanager/job/job_state.h"
#include "jobmanager/resource/task_manager_registry.h"
#include "jobmanager/scheduler/placement.h"
#include "jobmanager/scheduler/restart_policy.h"
#include "state/checkpoint/state_object_store.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::jobmanager {

/// A suspension that was requested. (Not in JobMaster: clang 14 cannot make it there.)
struct RequestedSuspension {
  std::vector<std::function<void(absl::Status)>> waiters;
  std::optional<Epoch> above;  // its checkpoint's epoch is; absent while no tasks run
  std::optional<Epoch> owned;  // its checkpoint
  uint64_t failures = 0;
};

/// One job under one leadership: its state, its generations, and what follows from losses.
/// Protocols: docs/protocols/recovery.md, docs/protocols/checkpointing.md.
///
/// Life cycle: Create (a submission) or Adopt (from its log), then Run, then events until terminal.
/// Threads: not thread-safe; all calls and callbacks on `executor`.
/// Lifetime: borrows its dependencies.
/// Errors: a stale leader is told to `on_stale`; a job's own failures end in its state and reason.
class JobMaster final : public CheckpointCoordinator::Delegate {
 public:
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    FileSystem& files;
    Random& random;
    TaskManagerRegistry& task_managers;
    const StorageLayout& layout;
    std::function<void(const absl::Status&)> on_stale;
    /// Makes JobOptions of what the submission says.
    std::function<absl::StatusOr<JobOptions>(const std::map<std::string, std::string>&)> options;
    /// Jobs of the cluster that are known to have ended.
    std::function<std::vector<std::string>()> ended_jobs;
  };
  using Done = std::function<void(absl::Status)>;

  JobMaster(JobId job, proto::Term term, Dependencies dependencies);
  ~JobMaster() override;

  /// Writes entry 1, and with `seed` entry 2, which makes that its epoch 0; `done` OK: the job
  /// exists in its log.
  void Create(proto::JobSubmitted submission, const std::optional<proto::CheckpointOwned>& seed,
              Done done);
  /// Reads the log and takes it over.
  void Adopt(Done done);
  /// Starts working for the job: from here on events matter.
  void Run();

  void Cancel(Done done);
  /// Of a job whose clean-up has failed: ends it with what the log owns and has no receipt for, and
  /// its reason names that.
  void Abandon(Done done);
  void Stop(Done done);
  /// A checkpoint behind which nothing is read, then SUSPENDED; at once when no tasks run. With
  /// `wait`, `done` is told when that is so, or ABORTED when it has failed; else when the request
  /// is in the log. Goes on under a next leader.
  void RequestSuspension(bool wait, Done done);
  /// Out of SUSPENDED; or a decision for a clean-up that has failed.
  void Resume(proto::ResumePolicy policy, Done done);
  /// The next generation, in new worker processes. Does nothing when `ending` is over already.
  void Restart(Generation ending, Done done);

  void OnSlotsChanged();
  /// An announced loss ends the generation as a request does: `restart.strategy` is not asked.
  void OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss);
  void OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status);
  void OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report);

  const JobId& job() const { return job_; }
  JobState state() const { return state_; }
  const JobHistory& history() const { return log_.history(); }
  proto::JobSummary Summary() const;
  proto::JobDetails Details() const;
  proto::ListCheckpointsResponse Checkpoints() const;
  /// With its subtasks; NOT_FOUND.
  absl::StatusOr<proto::CheckpointDetails> Checkpoint(Epoch epoch) const;
  /// See JobEvents::Await.
  void AwaitEvents(uint64_t sequence, JobEvents::Done done) {
    events_.Await(sequence, std::move(done));
  }
  /// Of this leader; null before Run, and of a job that had ended then.
  const CheckpointStatistics* checkpoint_statistics() const {
    return coordinator_ == nullptr ? nullptr : &coordinator_->statistics();
  }
  bool checkpoint_in_progress() const {
    return coordinator_ != nullptr && (coordinator_->busy() || coordinator_->pending() != nullptr);
  }
  size_t workers() const { return workers_.size(); }
  /// For how long all tasks have run; zero while they do not.
  absl::Duration Uptime() const;
  /// What the log says of the job's transactions, in every state; UNKNOWN when a checkpoint that is
  /// not committed cannot be read.
  using FactsDone = std::function<void(absl::StatusOr<proto::TransactionFacts>)>;
  void TellTransactionFacts(FactsDone done);

  // CheckpointCoordinator::Delegate
  void OnDirectiveChanged() override;
  void OnOwned(Epoch epoch, bool final) override;
  void OnCheckpointEnded(const proto::CheckpointDetails& checkpoint) override;
  void OnTooManyFailures(const std::string& last) override;
  void OnCoordinatorIdle() override;
  std::vector<proto::SourceCoordinatorState> SourceStates() override;
  std::vector<proto::SinkCoordinatorState> SinkStates() override;

 private:
  struct Worker {
    TaskManagerId task_manager;
    uint64_t pid = 0;
    bool connected = false;
    uint64_t resident_bytes = 0;
    Generation reported;
    absl::Duration heard_from;  // last report, or when it connected
    // A sentence each, as in its last report, of whatever generation.
    std::vector<std::string> stalls = {};
  };
  struct RestoreData {
    absl::Status status;
    std::optional<proto::CheckpointManifest> newest;
    std::vector<proto::CheckpointManifest> uncommitted;
  };

  void TakeOver(Done done);
  void SetState(JobState state);
  void TellState();  // to those who watch the job
  // Scheduling.
  void TrySchedule();
  bool WaitsForFormerTaskManagers();
  ExecutionPlacement AssignWorkers(const SlotPlacement& slots);
  void UpdateSpecs();
  /// "" or "; when it was last heard of, operator 'Enrich' of task ... has been running for 12s".
  static std::string DescribeStalls(const Worker& worker);
  // Fails the generation, or the clean-up, unless there is progress before it runs out.
  void ArmDeployTimer();
  void OnInitializationSteps(uint64_t steps);
  void OnDeployTimeout();
  void LoadRestoreData();
  void OnRestoreData(const RestoreData& data);
  void AppendStarted(const RestoreData& data);
  void OnStarted(const RestoreData& data);
  // It has no epoch, or only the copy of another job's.
  bool IsFresh() const;
  // No task of it has run.
  bool AwaitsFirstRun() const;
  // Progress.
  void CheckProgress();
  void AllowRun();
  void OnReady();
  void OnRunning();
  void FinishWhenCommitted();
  // Everything is committed.
  void Finish();
  void SendDirectives();
  void SendDirective(const WorkerId& id, const Worker& worker);
  void Tick();
  void FindSilentWorker();
  // Ends.
  void DropExecution();
  void EndGeneration(const std::string& why);  // RECOVERING from here on
  void FailGeneration(const std::string& why, bool retriable);
  // Its workers' TaskManager was told to stop: no failure, the next one is scheduled at once.
  void MoveGeneration(const std::string& why);
  void ScheduleAfter(absl::Duration delay);
  // Suspensions, restarts.
  absl::Status CheckNotEnding() const;
  void BeginSuspension();
  void InterruptSuspension();
  void OnSuspensionCheckpoint(const proto::CheckpointDetails& checkpoint);
  void SuspendWhenCommitted();
  void GiveUpSuspension(const std::string& why);
  void WithdrawSuspension(const std::string& why);
  void DropSuspension(const absl::Status& status);  // tells those who wait for it
  void Suspend(const std::string& why);
  void AppendSuspended();
  void End(proto::JobTerminal::State state, const std::string& reason, Done done);
  using Manifests = std::map<Epoch, proto::CheckpointManifest>;
  proto::JobTerminal MakeTerminal(proto::JobTerminal::State state, const std::string& reason,
                                  const std::optional<Manifests>& read) const;
  void AppendTerminal(proto::JobTerminal::State state, const std::string& reason,
                      std::optional<Manifests> read, Done done);
  void OnEnded(proto::JobTerminal::State state, const std::string& reason);
  void DeleteRetiredAtTheEnd();
  bool NeedsCleanup() const;
  // As End, behind a generation of coordinator tasks alone where sinks may have left transactions.
  void EndAfterCleanup(proto::JobTerminal::State state, const std::string& reason, Done done);
  void TryCleanup();
  void CleanupFailed(const std::string& why);
  void SetTrouble(const std::string& trouble);  // of the clean-up
  void ReleaseEverything();

  const JobId job_;
  const proto::Term term_;
  const Dependencies deps_;
  StateObjectStore objects_;
  JobLog log_;
  JobOptions options_;
  std::unique_ptr<RestartPolicy> restart_;
  std::unique_ptr<CheckpointCoordinator> coordinator_;
  JobEvents events_;
  JobState state_ = JobState::kCreated;
  absl::Duration running_since_;        // monotonic; of kRunning
  std::string reason_;                  // why it waits, failed or ended
  std::string last_failure_;            // "2026-11-29 08:00:00 UTC, generation 3: ..."
  std::map<WorkerId, Worker> workers_;  // alive, as far as known
  std::set<TaskManagerId> told_;        // TaskManagers that have specs of this job
  std::unique_ptr<Execution> execution_;
  google::protobuf::RepeatedPtrField<proto::TaskDetails> last_tasks_;  // of the one before
  std::optional<absl::Duration> settle_until_;  // former TaskManagers may still register
  bool running_ = false;                        // Run was called
  bool has_run_ = false;                        // tasks did, or may have under a former leader
  bool ending_ = false;                         // a terminal entry is on its way
  struct Ending {
    proto::JobTerminal::State state;
    std::string reason;
    Done done;
    bool failed = false;                          // a cleanup has failed at least once
    std::string trouble = {};                     // then: the reason, and why it failed
    absl::Duration pause = absl::ZeroDuration();  // behind the last failure
    absl::Duration not_before = absl::ZeroDuration();
  };
  std::optional<Ending> cleanup_;                  // the job ends once its sinks are clean
  std::optional<RequestedSuspension> suspension_;  // requested, and not yet come about
  bool suspended_entry_due_ = false;
  std::set<WorkerId> dismissed_;  // that shall end, and are not used again
  bool starting_ = false;         // a started entry is on its way
  TimerId restart_timer_ = 0;
  TimerId deploy_timer_ = 0;
  uint64_t initialization_steps_ = 0;  // of the generation that is being deployed
  TimerId suspension_timer_ = 0;
  TimerId settle_timer_ = 0;
  TimerId tick_timer_ = 0;
  Lifetime attempt_;  // of the current generation's start
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager
