#include "connectors/kafka/wire/transaction_client.h"

#include <array>
#include <utility>

namespace weir::kafka {
namespace {

constexpr std::array<std::pair<TransactionState, const char*>, 9> kStateNames = {{
    {TransactionState::kUnknown, "Unknown"},
    {TransactionState::kEmpty, "Empty"},
    {TransactionState::kOngoing, "Ongoing"},
    {TransactionState::kPrepareCommit, "PrepareCommit"},
    {TransactionState::kPrepareAbort, "PrepareAbort"},
    {TransactionState::kCompleteCommit, "CompleteCommit"},
    {TransactionState::kCompleteAbort, "CompleteAbort"},
    {TransactionState::kDead, "Dead"},
    {TransactionState::kPrepareEpochFence, "PrepareEpochFence"},
}};

}  // namespace

std::string TransactionStateName(TransactionState state) {
  for (const auto& [known, name] : kStateNames) {
    if (known == state) return name;
  }
  return "Unknown";
}

TransactionState ParseTransactionState(const std::string& name) {
  for (const auto& [state, known] : kStateNames) {
    if (known == name) return state;
  }
  return TransactionState::kUnknown;
}

bool IsOpen(TransactionState state) {
  return state == TransactionState::kOngoing || state == TransactionState::kPrepareCommit ||
         state == TransactionState::kPrepareAbort ||
         state == TransactionState::kPrepareEpochFence || state == TransactionState::kUnknown;
}

}  // namespace weir::kafka
