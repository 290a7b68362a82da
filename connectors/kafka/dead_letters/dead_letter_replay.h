#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/transaction_accounts.h"
#include "connectors/kafka/transactional/transactional_producer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// A letter on its way back.
struct ReplayedLetter {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;  // 0: now
  int32_t partition = -1;    // -1: by its key
  MessageHeaders headers;
};

/// Publishes letters again, in transactions that also hold how far the replay has come; two of the
/// same group do not double anything: the later one fences the earlier one.
///
/// Threads: one; it blocks. The references outlive it.
/// Errors: of the clients; ABORTED: another replay of the group came in between.
class DeadLetterReplay {
 public:
  struct Options {
    ClientConfiguration configuration;  // of a producer, without ids
    std::string group;                  // its name is the transactional id, too
    std::string topic;                  // of the dead letters
    absl::Duration timeout;             // of each step
  };
  DeadLetterReplay(Options options, const KafkaClientFactory& clients, TransactionClient& client)
      : options_(std::move(options)), clients_(clients), client_(client) {}

  /// Fences other replays, and says how far they have come in a partition of the dead letters.
  absl::StatusOr<std::optional<int64_t>> Begin(int32_t partition);
  /// In one transaction: the letters go to `target`, and the group to offset `next` of the
  /// partition that was begun last.
  absl::Status Publish(const std::string& target, const std::vector<ReplayedLetter>& letters,
                       int64_t next);
  /// Behind the last Publish.
  absl::Status Finish();

 private:
  absl::StatusOr<std::optional<int64_t>> ReadPosition();
  absl::Status Open(const std::string& target);
  absl::Status Send(const std::vector<ReplayedLetter>& letters);

  const Options options_;
  const KafkaClientFactory& clients_;
  TransactionClient& client_;
  int32_t partition_ = -1;
  std::optional<int64_t> position_;  // of the group, as it must be
  std::string target_;
  std::unique_ptr<KafkaTransactionalProducer> producer_;  // null: to be made anew
  ProducerIdAndEpoch identity_;
  bool repeated_ = false;  // a request that would change a later transaction if it came late
  TransactionAccounts accounts_;
};

}  // namespace weir::kafka
