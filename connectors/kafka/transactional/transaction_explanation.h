#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/connector/sink_transactions.h"
#include "connectors/kafka/transactional/transaction_judgement.h"

namespace weir::kafka {

/// What a judgement says, for people. Pure.

/// "OWED"; a public name.
std::string TransactionKindName(TransactionKind kind);
/// One row of a list; `now` by the coordinator's clock.
SinkTransaction DescribeFound(const TransactionJudgement& judgement, const FoundTransaction& found,
                              absl::Time now);
/// All that is known, as SinkTransactions::Explain has it.
std::vector<std::string> ExplainFound(const TransactionJudgement& judgement,
                                      const FoundTransaction& found, absl::Time now);

}  // namespace weir::kafka
