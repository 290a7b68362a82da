#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "common/time/clock.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/sink_ownership.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "connectors/kafka/wire/retry_wait.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct TransactionalCommitterSetup {
  ClientConfiguration configuration;  // of a producer, without ids
  std::string topic;
  std::string prefix;                    // "": made of cluster, job name and uid
  absl::Duration transaction_timeout;    // wanted
  bool transaction_timeout_set = false;  // by the user: then one above the broker's is an error
  std::shared_ptr<const KafkaClientFactory> clients;
  TransactionClientFactory transaction_clients;
  std::shared_ptr<TransactionStepObserver> steps;  // null: none
};

/// The committer's half of docs/protocols/transactions.md, steps 1 to 3; a transaction that cannot
/// be committed any more is DATA_LOSS, naming topic, partitions, offsets and count. See
/// SinkCommitter.
class TransactionalCommitter final : public SinkCommitter {
 public:
  static constexpr absl::Duration kStepTimeout = absl::Seconds(30);

  /// `clock` outlives the committer.
  TransactionalCommitter(TransactionalCommitterSetup setup, const Clock& clock);

  absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) override;
  absl::Status Release() override;

 private:
  enum class Outcome { kCommitted, kAborted, kUnknown };

  absl::StatusOr<std::string> RunRecovery(const SinkRecovery& recovery);
  absl::StatusOr<absl::Duration> AgreeOnTimeout(const std::string& prefix);
  absl::Status CommitEpoch(const UncommittedEpoch& epoch);
  absl::StatusOr<Outcome> CommitOne(const Committable& committable);
  /// What its marker says, once nothing of its group is being written any more.
  absl::StatusOr<Outcome> ReadMarker(const Committable& committable);
  absl::Status EndStrays(const std::string& prefix, uint64_t fence,
                         const std::vector<ListedTransaction>& listed);

  const TransactionalCommitterSetup setup_;
  const Clock& clock_;
  ThreadRetryWait wait_;
  const std::shared_ptr<TransactionStepObserver> steps_;
  std::shared_ptr<TransactionClient> client_;
  std::unique_ptr<SinkOwnership> ownership_;
  bool lost_ = false;  // an owned transaction can be committed no more
};

/// "east-flight-delays-delayed-flights"
std::string DefaultTransactionalIdPrefix(const SinkIdentity& identity);

}  // namespace weir::kafka
