#pragma once

#include <deque>
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
#include "jobmanager/checkpoint/checkpoint_options.h"
#include "jobmanager/checkpoint/checkpoint_statistics.h"
#include "jobmanager/checkpoint/job_log.h"
#include "jobmanager/checkpoint/pending_checkpoint.h"
#include "state/checkpoint/state_object_store.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::jobmanager {

/// Drives the checkpoints of one job under one leadership: triggers, gathers answers, makes the
/// manifest, lets the log own the epoch, retires old ones and deletes what no epoch references.
/// Protocol and invariants: docs/protocols/checkpointing.md.
///
/// Life cycle: Start(generation) / Stop() alternate; an attempt whose entry is on its way to the
/// log outlives Stop() and is decided there (`busy`).
/// Threads: not thread-safe; all calls and callbacks on `executor`.
/// Lifetime: borrows all dependencies.
/// Errors: storage failures fail the attempt; a stale leader is reported by the JobLog.
class CheckpointCoordinator {
 public:
  class Delegate {
   public:
    virtual ~Delegate() = default;
    /// trigger(), permitted() or failed_epochs() changed: workers have to be told.
    virtual void OnDirectiveChanged() = 0;
    virtual void OnOwned(Epoch epoch, bool final) = 0;
    /// COMPLETED or FAILED.
    virtual void OnCheckpointEnded(const proto::CheckpointDetails& checkpoint) = 0;
    /// More failures in a row than tolerable.
    virtual void OnTooManyFailures(const std::string& last) = 0;
    /// busy() turned false.
    virtual void OnCoordinatorIdle() = 0;
    /// The split states of all sources, as the coordinator task last reported them.
    virtual std::vector<proto::SourceCoordinatorState> SourceStates() = 0;
    virtual std::vector<proto::SinkCoordinatorState> SinkStates() = 0;
  };
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    Random& random;
    StateObjectStore& objects;
    JobLog& log;
    Delegate& delegate;
  };

  CheckpointCoordinator(JobId job, LeaderTerm term, CheckpointOptions options,
                        Dependencies dependencies);
  ~CheckpointCoordinator();

  /// Makes epoch 0 (initial offsets) owned; OnOwned follows, or `failed` gets the reason.
  void OwnInitialEpoch(Generation generation, std::function<void(absl::Status)> failed);
  /// Checkpoints of this generation's tasks from now on.
  void Start(Generation generation, std::vector<SubtaskId> tasks, bool transactional);
  void Stop(const std::string& why);
  /// The job's last entry is about to be written: Stop, and nothing is appended any more.
  void Close(const std::string& why);
  /// Every task is FINISHED: one final checkpoint as soon as nothing is pending.
  void RequestFinal();
  /// One more checkpoint, behind which tasks emit nothing, triggered as soon as nothing is pending
  /// and all that is owned is committed, whatever the interval says.
  void RequestSuspending();
  /// The job is not suspended after all: tasks may emit behind checkpoints again.
  void WithdrawSuspending();
  /// The highest epoch of any attempt so far.
  std::optional<Epoch> highest_attempt() const;
  void OnAnswer(const proto::CheckpointAnswer& answer);
  /// Every writer committed all epochs up to this one.
  void OnCommitted(Epoch through);
  /// Names and deletes what ended workers have left in storage; `living` ones may still refer to
  /// theirs. Nothing happens when storage does not answer: the next generation tries again.
  void Sweep(std::set<std::string> living);
  /// Deletes again what a former leader may not have deleted.
  void DeleteDoomed();

  const PendingCheckpoint* pending() const { return collecting() ? pending_.get() : nullptr; }
  /// Newest owned epoch: everything up to it may be committed.
  std::optional<Epoch> permitted() const;
  const std::deque<Epoch>& failed_epochs() const { return failed_epochs_; }
  bool busy() const { return pending_ != nullptr && completing_; }
  const CheckpointStatistics& statistics() const { return statistics_; }
  CheckpointStatistics& statistics() { return statistics_; }

 private:
  bool collecting() const { return pending_ != nullptr && !completing_; }
  Epoch NextEpoch() const;
  void ScheduleTrigger();
  void TryTrigger();
  bool AwaitsCommit() const;
  void Trigger(bool final);
  void Complete();
  void AppendOwned(proto::CheckpointOwned owned);
  void OnAppended(const absl::Status& status, const proto::CheckpointOwned& owned);
  void Fail(const std::string& why, const std::string& manifest_object = "");
  void AppendAborted(Epoch epoch, LeaderTerm term, const std::string& why,
                     std::vector<std::string> objects);
  void RetireOldest();
  void Retire(Epoch epoch, std::vector<std::string> objects);
  void Delete(std::vector<std::string> objects);
  void AppendReceiptLater();
  int64_t NowMs() const;

  const JobId job_;
  const LeaderTerm term_;
  const CheckpointOptions options_;
  const Dependencies deps_;
  CheckpointStatistics statistics_;
  Generation generation_;  // none: stopped
  std::vector<SubtaskId> tasks_;
  bool transactional_ = false;
  bool final_requested_ = false;
  absl::Duration final_not_before_;    // when the last try has failed
  bool suspending_requested_ = false;  // and not triggered yet
  bool suspending_ = false;            // whatever is triggered suspends, also after a failure
  std::unique_ptr<PendingCheckpoint> pending_;
  bool completing_ = false;  // all answered; manifest and entry are being written
  std::function<void(absl::Status)> initial_failed_;
  std::optional<Epoch> highest_tried_;
  std::optional<Epoch> committed_;  // in memory, before its receipt
  absl::Duration last_trigger_;
  absl::Duration last_end_;
  uint64_t failures_in_row_ = 0;
  std::deque<Epoch> failed_epochs_;
  std::map<Epoch, std::set<std::string>> doomed_;  // named already, of failed_epochs_
  bool retiring_ = false;
  bool closed_ = false;
  TimerId trigger_timer_ = 0;
  TimerId timeout_timer_ = 0;
  TimerId receipt_timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager
