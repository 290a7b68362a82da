#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"
#include "state/checkpoint/cluster_history.h"
#include "state/checkpoint/entry_log.h"
#include "state/checkpoint/storage_layout.h"

namespace weir::jobmanager {

/// The cluster log of one leadership, with what it says. Appends fold into the history when they
/// count. Threads: the owner's executor.
class ClusterLog {
 public:
  using Done = std::function<void(absl::Status)>;

  ClusterLog(const StorageLayout& layout, CreateOnlyLog::Dependencies dependencies, Random& random);

  void Load(Done done);
  /// Creates the cluster if the log is empty, then appends the next term. ABORTED: another
  /// process was faster.
  void TakeOver(const std::string& cluster, const std::string& nonce, const std::string& address,
                Done done);
  /// ABORTED: this leader is stale.
  void Append(proto::ClusterLogEntry entry, Done done);
  /// ABORTED: another process appended; this leader is stale although it had nothing to append.
  void LookAhead(Done done) { log_.LookAhead(std::move(done)); }

  const ClusterHistory& history() const { return history_; }

 private:
  void AppendTerm(const std::string& nonce, const std::string& address, Done done);

  Random& random_;
  EntryLog<proto::ClusterLogEntry> log_;
  ClusterHistory history_;
};

}  // namespace weir::jobmanager
