#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/connector/commit_permit.h"
#include "common/connector/delivery_guarantee.h"
#include "common/types/batch.h"

namespace weir {

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
  virtual absl::Status Open() = 0;
  /// False: the task stops taking records until the wake-up (never stops taking barriers).
  virtual bool HasRoom() = 0;
  virtual absl::Status Write(const BatchPtr& batch) = 0;
  /// The barrier of `epoch`: everything written so far must be delivered (at-least-once) or
  /// prepared (exactly-once) when `done` gets OK; then it holds what a permit commits, one opaque
  /// committable each. Records written after the call belong to the next epoch. An error fails the
  /// task: nothing is acknowledged that was not delivered.
  using PrepareDone = std::function<void(absl::StatusOr<std::vector<std::string>>)>;
  virtual void PrepareCommit(Epoch epoch, PrepareDone done) = 0;
  /// Commits everything prepared up to and including the permit's epoch, oldest first.
  using CommitDone = std::function<void(absl::Status)>;
  virtual void Commit(const CommitPermit& permit, CommitDone done) {
    (void)permit;
    done(absl::OkStatus());
  }
};

/// Commits what earlier generations prepared; lives in the coordinator task.
/// Threads: one thread at a time, of a BlockingPool: calls may block.
class SinkCommitter {
 public:
  virtual ~SinkCommitter() = default;
  virtual absl::Status CommitRestored(const CommitPermit& permit,
                                      const std::vector<std::string>& committables) = 0;
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
  virtual absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(uint32_t subtask_index,
                                                                 uint32_t parallelism) const = 0;
  /// Null for sinks without transactions.
  virtual absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const {
    return std::unique_ptr<SinkCommitter>();
  }
};

}  // namespace weir
