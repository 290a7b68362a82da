#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink_transactions.h"
#include "common/time/clock.h"
#include "connectors/kafka/transactional/transaction_judgement.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct KafkaSinkTransactionsSetup {
  std::string topic;
  std::string prefix;  // "": made of cluster, job name and uid
  TransactionClientFactory clients;
};

/// The transactional ids of one Kafka sink as the brokers have them, with what they are to the job;
/// see SinkTransactions. Asks by the wire client alone.
class KafkaSinkTransactions final : public SinkTransactions {
 public:
  static constexpr absl::Duration kStepTimeout = absl::Seconds(10);

  /// `clock` outlives it.
  KafkaSinkTransactions(KafkaSinkTransactionsSetup setup, const Clock& clock)
      : setup_(std::move(setup)), clock_(clock) {}

  bool Names(const SinkTransactionFacts& facts, const std::string& id) const override;
  absl::StatusOr<std::vector<SinkTransaction>> List(const SinkTransactionFacts& facts) override;
  absl::StatusOr<std::vector<std::string>> Explain(const SinkTransactionFacts& facts,
                                                   const std::string& id) override;
  /// By InitProducerId, never by EndTxn(abort), which leaves the pair valid for a living holder.
  absl::StatusOr<std::vector<std::string>> Abort(const SinkTransactionFacts& facts,
                                                 const std::string& id) override;

 private:
  std::string PrefixOf(const SinkTransactionFacts& facts) const;
  /// Connects and reads the owner record: before anything else is looked at.
  absl::StatusOr<TransactionJudgement> Judge(const SinkTransactionFacts& facts);
  absl::StatusOr<FoundTransaction> Find(const TransactionJudgement& judgement,
                                        const std::string& id);
  absl::StatusOr<std::optional<TransactionMarker>> ReadMarker(const std::string& id);

  const KafkaSinkTransactionsSetup setup_;
  const Clock& clock_;
  std::shared_ptr<TransactionClient> client_;
};

}  // namespace weir::kafka
