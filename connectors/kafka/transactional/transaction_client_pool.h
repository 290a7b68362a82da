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

/// TransactionClients for calls from many threads: no call waits for another, each that is made
/// while others are has a client of its own, which is kept for later ones.
///
/// Threads: any; the factory is called on all of them. Calls block.
/// Errors: those of the factory and of TransactionClient; CANCELLED after Cancel.
class TransactionClientPool {
 public:
  explicit TransactionClientPool(TransactionClientFactory clients) : clients_(std::move(clients)) {}

  /// Makes the first client.
  absl::Status Open();
  /// Errors further: NOT_FOUND when the coordinator does not know the id.
  absl::StatusOr<DescribedTransaction> Describe(const std::string& id, absl::Duration timeout);
  WriteOffsetAnswer WriteOffset(const std::string& id, ProducerIdAndEpoch producer,
                                const TransactionOffset& offset, absl::Duration timeout);
  EndTransactionAnswer Commit(const std::string& id, ProducerIdAndEpoch producer,
                              absl::Duration timeout);
  /// ABORTED when the owner record of the prefix is of a newer fence: whoever asks belongs to a
  /// generation that is over. UNAVAILABLE while the record is being written, for long.
  absl::Status CheckOwner(const std::string& prefix, uint64_t fence,
                          const TopicPartition& partition, absl::Duration timeout);
  /// Ends all calls, for good.
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
