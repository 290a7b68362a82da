#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/retry_wait.h"
#include "common/time/clock.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

enum class TransactionOutcome {
  kCommitted,
  kAborted,
  kUnknown,  // nothing tells whether it was committed: its marker is gone
};

/// What becomes of prepared transactions whose writer is gone: docs/protocols/transactions.md,
/// recovery, step 2.
///
/// Threads: one. Calls block, up to `timeout` for each step; the arguments outlive it.
/// Errors: those of TransactionClient; UNAVAILABLE while a marker is being written.
class TransactionOutcomes {
 public:
  TransactionOutcomes(TransactionClient& client, RetryWait& wait, const Clock& clock,
                      absl::Duration timeout);

  /// Commits it, unless it is decided.
  absl::StatusOr<TransactionOutcome> Commit(const Committable& committable);
  /// What its marker says, once nothing of its group is being written any more.
  absl::StatusOr<TransactionOutcome> Read(const Committable& committable);
  /// Of a decided one: the broker answers before it has written the markers.
  absl::Status AwaitCommitted(const Committable& committable);

 private:
  TransactionClient& client_;
  RetryWait& wait_;
  const Clock& clock_;
  const absl::Duration timeout_;
};

}  // namespace weir::kafka
