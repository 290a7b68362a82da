#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "connectors/kafka/wire/transaction_client.h"

namespace weir::sim {

/// What a transaction has written into a group and not committed yet.
struct PendingOffset {
  std::string group;
  kafka::TopicPartition partition;
  int64_t offset = -1;
  std::string metadata;
};

/// Offsets of groups, as one partition of __consumer_offsets has them: committed ones, and pending
/// ones of open transactions, by producer id.
class GroupOffsetStore {
 public:
  void Write(kafka::ProducerIdAndEpoch producer, const PendingOffset& offset);
  /// The marker of the producer's transaction: what it wrote counts, or is dropped. Of two for one
  /// partition the one that was written last counts, whichever transaction ended last.
  void Complete(int64_t producer_id, kafka::TransactionResult result);
  std::vector<PendingOffset> Pending(int64_t producer_id) const;
  /// A transaction of this producer id and epoch has written here, and its marker has not.
  bool HasOpenTransaction(kafka::ProducerIdAndEpoch producer) const;
  std::map<kafka::TopicPartition, kafka::GroupOffset> FetchAll(
      const std::string& group, kafka::TransactionClient::FetchOffsetOptions options) const;
  kafka::GroupOffset Fetch(const std::string& group, const kafka::TopicPartition& partition,
                           kafka::TransactionClient::FetchOffsetOptions options) const;

 private:
  struct Written {
    uint64_t order = 0;
    PendingOffset offset;
  };
  struct Key {
    std::string group;
    kafka::TopicPartition partition;
    auto operator<=>(const Key&) const = default;
  };
  struct OpenTransaction {
    int16_t epoch = -1;
    std::map<Key, Written> offsets;
  };

  uint64_t writes_ = 0;
  std::map<Key, Written> committed_;
  std::map<int64_t, OpenTransaction> pending_;  // by producer id
};

}  // namespace weir::sim
