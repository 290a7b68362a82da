#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/stored_record_reader.h"
#include "connectors/kafka/transactional/transaction_accounts.h"
#include "connectors/kafka/transactional/transaction_outcomes.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/transactional_producer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// Publishes the records of aborted transactions again, from where they still lie in the topic:
/// docs/protocols/transactions.md, recovery, step 3.
///
/// Use: Publish, once. Threads: one; it blocks. The references outlive it.
class TransactionReplay {
 public:
  struct Options {
    ClientConfiguration configuration;  // of a producer, without ids
    std::string prefix;
    absl::Duration transaction_timeout;
    absl::Duration timeout;      // of each step
    bool rest_suffices = false;  // publish what is left of a range that has lost records
    std::function<void()> on_progress = [] {};  // some more records have been sent
  };
  /// What cannot be published any more.
  struct Loss {
    size_t index = 0;  // of the transaction, in what Publish was given
    std::string why;   // "partition 0 begins at offset 17"
  };
  TransactionReplay(Options options, const KafkaClientFactory& clients, TransactionClient& client,
                    TransactionOutcomes& outcomes, TransactionStepObserver& steps);

  /// Those of `committables` that nobody has committed meanwhile, in this order, in one
  /// transaction together with their markers. They are of one topic, and nobody can commit them any
  /// more under their own ids.
  /// Returns how many records were published. Errors: of the clients; DATA_LOSS, with loss() set,
  /// when a range is not what it was (retention, compaction): then nothing is published.
  absl::StatusOr<uint64_t> Publish(const std::vector<Committable>& committables);

  /// Absent unless Publish found one.
  const std::optional<Loss>& loss() const { return loss_; }

 private:
  /// Where the records of one transaction lie in one partition.
  struct Stretch {
    int64_t first = 0;
    int64_t last = 0;
  };

  absl::Status TakeOver(const std::string& topic);
  absl::Status WriteMarker(const Committable& committable);
  absl::Status Commit(bool records);
  absl::Status PublishAll(const std::vector<Committable>& committables,
                          const std::vector<size_t>& missing);
  absl::Status PublishRange(const Committable& committable, int32_t partition,
                            const WrittenRange& range);
  absl::StatusOr<std::vector<Stretch>> FindStretches(const Committable& committable,
                                                     const TopicPartition& partition,
                                                     const WrittenRange& range);
  absl::Status Send(std::vector<OutgoingMessage> messages);
  absl::Status Lost(const std::string& why);

  const Options options_;
  const std::string id_;
  const KafkaClientFactory& clients_;
  TransactionClient& client_;
  TransactionOutcomes& outcomes_;
  TransactionStepObserver& steps_;
  std::unique_ptr<KafkaTransactionalProducer> producer_;
  ProducerIdAndEpoch identity_;  // of the replay id
  bool repeated_ = false;        // a request that would change a later transaction if it came late
  std::unique_ptr<StoredRecordReader> reader_;
  TransactionAccounts accounts_;
  size_t current_ = 0;  // in what Publish was given
  std::optional<Loss> loss_;
};

}  // namespace weir::kafka
