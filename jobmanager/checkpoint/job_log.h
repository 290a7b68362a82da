#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "state/checkpoint/entry_log.h"
#include "state/checkpoint/job_history.h"

namespace weir::jobmanager {

/// A job's log together with what it says: appends entries under this leader's term, folds those
/// that count into the history, and lets receipts ride on the next entry.
///
/// Threads: not thread-safe; the owner's executor. Lifetime: borrows dependencies.
/// Errors of Append: ABORTED - this leader is stale (reported once through `on_stale` as well);
/// anything else - the entry is certainly not in the log.
class JobLog {
 public:
  using Done = std::function<void(absl::Status)>;
  /// Makes the entry's kind from the history as it is when the entry's turn comes.
  using Maker = std::function<proto::JobLogEntry(const JobHistory&)>;

  JobLog(std::string directory, LeaderTerm term, CreateOnlyLog::Dependencies dependencies,
         Random& random, std::function<void(const absl::Status&)> on_stale);

  /// Reads the log. NOT_FOUND when there is no entry; ABORTED when a newer leader has been here.
  void Load(Done done);
  /// The first act of a new leader. ABORTED when a newer leader was faster.
  void TakeOver(const proto::Term& term, Done done);
  void Append(Maker make, Done done);

  /// Every epoch up to this one is committed; written with the next entry.
  void SetCommitted(Epoch epoch);
  const std::optional<Epoch>& committed() const { return committed_; }
  bool receipt_due() const;

  const JobHistory& history() const { return history_; }
  bool stale() const { return log_.stale(); }

 private:
  proto::JobLogEntry Complete(proto::JobLogEntry entry) const;
  absl::Status ApplyOfOthers(const proto::JobLogEntry& entry);

  const LeaderTerm term_;
  EntryLog<proto::JobLogEntry> log_;
  JobHistory history_;
  std::optional<Epoch> committed_;
  std::function<void(const absl::Status&)> on_stale_;
};

}  // namespace weir::jobmanager
