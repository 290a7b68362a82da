#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/mutex.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// Makes a client that owns all it needs, but for clocks; opens no connection.
using TransactionClientFactory =
    std::function<absl::StatusOr<std::shared_ptr<TransactionClient>>()>;

/// Asks what the coordinators think of transactions. No question waits for another: each that is
/// asked while others are has a client of its own, which is kept for later ones.
///
/// Threads: any; the factory is called on all of them. Questions block.
/// Errors: those of the factory and of TransactionClient; CANCELLED after Cancel.
class TransactionInquiry {
 public:
  explicit TransactionInquiry(TransactionClientFactory clients) : clients_(std::move(clients)) {}

  /// Makes the first client.
  absl::Status Open();
  /// Errors further: NOT_FOUND when the coordinator does not know the id.
  absl::StatusOr<DescribedTransaction> Describe(const std::string& id, absl::Duration timeout);
  /// Until the group's coordinator answers. librdkafka 2.0.2 may wait for ever, whatever its
  /// timeout, when a handle's first offset for a group meets none (rd_kafka_coord_req_fsm relies on
  /// a broker's going up or down): on a fresh cluster, say, whose __consumer_offsets is being made.
  absl::Status AwaitGroup(const std::string& group, const TopicPartition& partition,
                          absl::Duration timeout);
  /// ABORTED when the owner record of the prefix is of a newer fence: whoever asks belongs to a
  /// generation that is over. UNAVAILABLE while the record is being written, for long.
  absl::Status CheckOwner(const std::string& prefix, uint64_t fence,
                          const TopicPartition& partition, absl::Duration timeout);
  /// Ends all questions, for good.
  void Cancel();

 private:
  absl::StatusOr<std::shared_ptr<TransactionClient>> Take();
  void GiveBack(std::shared_ptr<TransactionClient> client);

  const TransactionClientFactory clients_;
  Mutex mutex_;
  bool cancelled_ WEIR_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<TransactionClient>> all_ WEIR_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<TransactionClient>> idle_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::kafka
