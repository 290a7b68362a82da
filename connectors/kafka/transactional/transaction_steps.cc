#include "connectors/kafka/transactional/transaction_steps.h"

namespace weir::kafka {

std::string TransactionStepName(TransactionStep step) {
  switch (step) {
    case TransactionStep::kDuringPrewarm:
      return "during-prewarm";
    case TransactionStep::kAfterFirstProduce:
      return "after-first-produce";
    case TransactionStep::kAfterMarker:
      return "after-marker";
    case TransactionStep::kAfterFlush:
      return "after-flush";
    case TransactionStep::kBeforeAnswer:
      return "before-answer";
    case TransactionStep::kAfterPermit:
      return "after-permit";
    case TransactionStep::kAfterCommit:
      return "after-commit";
    case TransactionStep::kBeforeRecoveryEndTransaction:
      return "before-recovery-end-transaction";
    case TransactionStep::kAfterRecoveryEndTransaction:
      return "after-recovery-end-transaction";
    case TransactionStep::kDuringReplay:
      return "during-replay";
  }
  return "unknown";
}

}  // namespace weir::kafka
