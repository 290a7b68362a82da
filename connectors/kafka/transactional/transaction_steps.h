#pragma once

#include <string>

namespace weir::kafka {

/// The places of the protocol (docs/protocols/transactions.md) where a process may die, and where
/// the step campaign lets it. Those of the checkpoint entry are the JobManager's.
enum class TransactionStep {
  kDuringPrewarm,
  kAfterFirstProduce,
  kAfterMarker,
  kAfterFlush,
  kBeforeAnswer,  // the transaction is prepared, the barrier not answered
  kAfterPermit,
  kAfterCommit,  // between commit and receipt
  kBeforeRecoveryEndTransaction,
  kAfterRecoveryEndTransaction,
  kDuringReplay,
};

/// "after-first-produce"
std::string TransactionStepName(TransactionStep step);

/// Told of every step. The product does nothing with it.
///
/// Threads: called on the task's thread and on threads of its pool, at the same time too. A call
/// may take as long as it likes, or not return.
class TransactionStepObserver {
 public:
  virtual ~TransactionStepObserver() = default;
  /// `id`: the transactional id; for steps that concern no single transaction the prefix.
  virtual void OnStep(TransactionStep step, const std::string& id) {
    (void)step;
    (void)id;
  }
};

}  // namespace weir::kafka
