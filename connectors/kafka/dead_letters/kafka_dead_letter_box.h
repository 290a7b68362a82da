#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/connector/dead_letter_box.h"
#include "common/time/clock.h"
#include "connectors/kafka/dead_letters/dead_letter_replay.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/stored_record_reader.h"
#include "connectors/kafka/transactional/transaction_client_pool.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct KafkaDeadLetterBoxSetup {
  DeadLetterOrigin origin;
  std::string topic;
  ClientConfiguration configuration;  // of the sink's producer
  std::shared_ptr<const KafkaClientFactory> clients;
  TransactionClientFactory transaction_clients;
};

/// The dead letters that one operator has put into a Kafka topic; see DeadLetterBox.
///
/// How far they are replayed is an offset of the group
/// "weir-dead-letters~<topic>~<job id>~<operator uid>", which is committed by the transactions that
/// replay. Kafka forgets it like every group's after offsets.retention.minutes without a commit.
class KafkaDeadLetterBox final : public DeadLetterBox {
 public:
  /// `clock` outlives it.
  KafkaDeadLetterBox(KafkaDeadLetterBoxSetup setup, const Clock& clock)
      : setup_(std::move(setup)), clock_(clock) {}

  std::string topic() const override { return setup_.topic; }
  absl::StatusOr<std::vector<DeadLetterPartition>> List() override;
  absl::StatusOr<std::vector<StoredDeadLetter>> Read(const ReadOptions& options) override;
  absl::StatusOr<uint64_t> Replay(const ReplayOptions& options) override;

 private:
  absl::Status Connect();
  absl::StatusOr<uint64_t> ReplayPartition(const DeadLetterPartition& partition,
                                           const std::string& target, uint64_t limit,
                                           DeadLetterReplay& replay);
  std::string group() const;
  bool Mine(const StoredRecord& record) const;

  const KafkaDeadLetterBoxSetup setup_;
  const Clock& clock_;
  std::shared_ptr<TransactionClient> client_;
  std::unique_ptr<StoredRecordReader> reader_;
};

}  // namespace weir::kafka
