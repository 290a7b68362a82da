#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/connector/sink_identity.h"

namespace weir {

/// What the log of a job says about the transactions of one sink, at the moment of a question.
struct SinkTransactionFacts {
  SinkIdentity identity;
  std::string job_state;  // "RUNNING"
  bool ended = false;     // no generation of the job follows
  /// No generation runs or starts: the log will own nothing that it does not own now.
  bool settled = false;
  Generation generation;              // the newest
  std::optional<Epoch> newest_epoch;  // owned
  /// Owned epochs without receipt, oldest first. Nothing is committed by means of this.
  struct OwnedEpoch {
    Epoch epoch;
    std::vector<std::string> committables;  // of all subtasks
  };
  std::vector<OwnedEpoch> uncommitted;
  std::set<std::string> ended_jobs;  // of the cluster
  std::string running;               // what Recover returned to the generation that runs; or empty
  std::string prefix;                // looked at instead of the sink's own; or empty
};

/// One transaction of a sink, or the place for one.
struct SinkTransaction {
  std::string prefix;
  std::string id;
  std::string state;  // in the outside system's words
  int64_t producer_id = -1;
  int32_t producer_epoch = -1;
  std::optional<uint64_t> fence;
  std::optional<uint32_t> subtask;
  std::optional<uint32_t> slot;
  std::optional<absl::Duration> age;
  absl::Duration timeout;
  std::optional<uint64_t> marker_epoch;
  std::string kind;     // OWNER, REPLAY, CURRENT, OWED, STRAY, IDLE, UNDECIDED
  std::string meaning;  // a few words
};

/// Looks at a sink's transactions from outside of the job, and ends those that nobody needs. Lives
/// in a process of its own, while the job runs, is suspended, or has ended.
/// Threads: one at a time; calls block for some seconds at most.
/// Errors: INVALID_ARGUMENT: no id of this prefix; NOT_FOUND: the outside does not know the id;
/// UNAVAILABLE, DEADLINE_EXCEEDED and others: the outside; one sentence each.
class SinkTransactions {
 public:
  virtual ~SinkTransactions() = default;
  /// Is it an id of the sink's prefix, or of the one asked for?
  virtual bool Names(const SinkTransactionFacts& facts, const std::string& id) const = 0;
  /// All that the outside knows, sorted by id.
  virtual absl::StatusOr<std::vector<SinkTransaction>> List(const SinkTransactionFacts& facts) = 0;
  /// Sentences: whose it is, what the log and its marker say, what it holds, what Weir will do with
  /// it, and what Abort would do.
  virtual absl::StatusOr<std::vector<std::string>> Explain(const SinkTransactionFacts& facts,
                                                           const std::string& id) = 0;
  /// Ends a transaction that nobody needs, so that its holder cannot go on with it, and says so.
  /// OK, too, when nothing is open.
  /// Errors further: FAILED_PRECONDITION: somebody needs it, or nobody knows.
  virtual absl::StatusOr<std::vector<std::string>> Abort(const SinkTransactionFacts& facts,
                                                         const std::string& id) = 0;
};

}  // namespace weir
