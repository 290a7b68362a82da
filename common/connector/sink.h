#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/connector/commit_permit.h"
#include "common/connector/dead_letter_box.h"
#include "common/connector/delivery_guarantee.h"
#include "common/connector/resume_policy.h"
#include "common/connector/sink_identity.h"
#include "common/connector/sink_metrics.h"
#include "common/connector/sink_transactions.h"
#include "common/exec/blocking_pool.h"
#include "common/types/batch.h"

namespace weir {

/// What a writer is made with.
struct SinkWriterContext {
  SinkIdentity identity;
  Generation generation;
  uint32_t subtask_index = 0;
  uint32_t parallelism = 1;
  BlockingPool* pool = nullptr;  // outlives the writer; for calls that wait for the outside
};

/// Writes the records of one subtask to the outside.
///
/// Life cycle: constructed; SetWakeup; Open; Write/PrepareCommit/Commit; destroyed. Destroying a
/// writer never completes or aborts what was prepared.
/// Threads: all calls on the task's thread and none blocks; wake-up and `done` callbacks may come
/// from any thread.
class SinkWriter {
 public:
  virtual ~SinkWriter() = default;
  /// Called when HasRoom may have turned true again.
  virtual void SetWakeup(std::function<void()> wakeup) = 0;
  /// `recovered`: what the sink's committer returned for this generation; empty without one.
  virtual absl::Status Open(const std::string& recovered) = 0;
  /// False: the task stops taking records until the wake-up (never stops taking barriers).
  virtual bool HasRoom() = 0;
  virtual absl::Status Write(const BatchPtr& batch) = 0;
  /// The barrier of `epoch`: everything written so far must be delivered (at-least-once) or
  /// prepared (exactly-once) when `done` gets OK; then it holds what a permit commits, one opaque
  /// committable each, those of earlier epochs that are not committed yet included. Records written
  /// after the call belong to the next epoch. An error fails the task: nothing is acknowledged that
  /// was not delivered.
  using PrepareDone = std::function<void(absl::StatusOr<std::vector<std::string>>)>;
  virtual void PrepareCommit(Epoch epoch, PrepareDone done) = 0;
  /// One of PrepareCommit's, for people: where its records are, and how many.
  virtual std::string DescribeCommittable(const std::string& committable) const {
    (void)committable;
    return "";
  }
  /// Commits everything prepared up to and including the permit's epoch, oldest first.
  using CommitDone = std::function<void(absl::Status)>;
  virtual void Commit(const CommitPermit& permit, CommitDone done) {
    (void)permit;
    done(absl::OkStatus());
  }
  /// The log has the receipts of all epochs up to and including this one: what they were committed
  /// with may be used again.
  virtual void OnReceipt(Epoch epoch) { (void)epoch; }
  /// The same from construction on, and outlives the writer; null: it counts nothing.
  virtual std::shared_ptr<const SinkMetrics> metrics() const { return nullptr; }
};

/// An owned epoch that the log has no receipt for.
struct UncommittedEpoch {
  CommitPermit permit;
  std::vector<std::string> committables;  // of all subtasks
};

struct SinkRecovery {
  SinkIdentity identity;
  Generation generation;
  std::vector<UncommittedEpoch> uncommitted;  // oldest first
  /// Jobs of this cluster that are known to have ended; others may live, or be just starting.
  std::set<std::string> ended_jobs;
  /// What another job holds outside may be taken from it, although it is not known to have ended: a
  /// person has said so.
  bool take_over = false;
  /// Release follows, and no other generation.
  bool cleanup = false;
  /// What Recover returned in the generation that took the restored checkpoint; empty at the first
  /// start.
  std::string last;
  uint32_t parallelism = 0;                           // of the sink
  ResumePolicy policy = ResumePolicy::kAsConfigured;  // for `uncommitted`
  /// How far apart checkpoints are triggered; zero: none follow.
  absl::Duration checkpoint_interval = absl::ZeroDuration();
  /// Called whenever the recovery has got on by a step: whoever waits for it goes on waiting.
  std::function<void()> on_progress = [] {};
};

/// Lives in the coordinator task: settles what earlier generations left behind.
/// Threads: one thread at a time, of a BlockingPool: calls may block.
class SinkCommitter {
 public:
  virtual ~SinkCommitter() = default;
  /// Before any task of the generation starts: commits the uncommitted epochs, ends what else was
  /// left open, and returns what the writers of this generation have to know.
  /// Errors: DATA_LOSS when an owned epoch can be made visible exactly once no more: the job is
  /// SUSPENDED with the sentence, and a person decides (SinkRecovery::policy). All others are tried
  /// again by the restart strategy.
  virtual absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) = 0;
  /// After Recover: the job has come to its end, no generation follows.
  virtual absl::Status Release() { return absl::OkStatus(); }
  /// Without Recover, while the generation runs that was given `recovered`: what the outside would
  /// forget in time of whose sink it is, is written again. kRefreshInterval after Recover, and
  /// after each call that was OK. Errors: FAILED_PRECONDITION when the sink is another's by now;
  /// others are tried again.
  static constexpr absl::Duration kRefreshInterval = absl::Hours(24);
  virtual absl::Status Refresh(const SinkIdentity& identity, const std::string& recovered) {
    (void)identity;
    (void)recovered;
    return absl::OkStatus();
  }
  /// Without Recover, while the generation runs that was given `recovered`, every kSweepInterval or
  /// so: ends what a worker has opened meanwhile that did not know that its generation was over.
  /// Errors are tried again.
  static constexpr absl::Duration kSweepInterval = absl::Minutes(1);
  virtual absl::Status Sweep(const SinkIdentity& identity, const std::string& recovered) {
    (void)identity;
    (void)recovered;
    return absl::OkStatus();
  }
  /// After Recover: what it counted; names as in SinkMetrics.
  virtual std::map<std::string, double> Metrics() const { return {}; }
};

/// A sink as the job author configured it. Immutable and thread-safe; part of the graph.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual std::string type() const = 0;
  virtual std::map<std::string, std::string> Describe() const = 0;
  virtual DeliveryGuarantee delivery() const = 0;
  /// Finds errors that need no connection; `input` is the schema of what it will be given.
  virtual absl::Status Validate(const Schema& input) const = 0;
  /// Once per generation, before any task of it starts, on a BlockingPool: is there a place to
  /// write to? Returns sentences on what an operator should know of it.
  /// Errors: NOT_FOUND, UNAVAILABLE and others, one sentence.
  virtual absl::StatusOr<std::vector<std::string>> CheckTarget() const {
    return std::vector<std::string>();
  }
  virtual absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(
      const SinkWriterContext& context) const = 0;
  /// Null for sinks without transactions.
  virtual absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const {
    return std::unique_ptr<SinkCommitter>();
  }
  /// Null for sinks without transactions.
  virtual absl::StatusOr<std::unique_ptr<SinkTransactions>> MakeTransactions() const {
    return std::unique_ptr<SinkTransactions>();
  }
  /// Null for sinks that are not for dead letters.
  virtual absl::StatusOr<std::unique_ptr<DeadLetterBox>> MakeDeadLetterBox(
      const DeadLetterOrigin& origin) const {
    (void)origin;
    return std::unique_ptr<DeadLetterBox>();
  }
  /// How long a transaction of this sink may wait for its commit; zero: without a bound.
  virtual absl::Duration transaction_timeout() const { return absl::ZeroDuration(); }
};

}  // namespace weir
