#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/wire/transaction_client.h"

struct rd_kafka_s;
struct rd_kafka_topic_s;

namespace weir {

/// A transactional producer of librdkafka and nothing around it, as tests of the broker's behaviour
/// need it. The destructor ends no transaction: what is open stays open.
///
/// Threads: one at a time. Errors carry librdkafka's error name ("_FENCED", ...) and whether it is
/// fatal or wants an abort.
class RawTransactionalProducer {
 public:
  /// Returns when init_transactions is done and the statistics show producer id and epoch.
  static absl::StatusOr<std::unique_ptr<RawTransactionalProducer>> Open(
      const std::string& brokers, const std::string& transactional_id,
      absl::Duration transaction_timeout = absl::Minutes(1));
  ~RawTransactionalProducer();
  RawTransactionalProducer(const RawTransactionalProducer&) = delete;
  RawTransactionalProducer& operator=(const RawTransactionalProducer&) = delete;

  const kafka::ProducerIdAndEpoch& identity() const { return identity_; }

  absl::Status Begin();
  /// Enqueues; Flush says whether it arrived.
  absl::Status Produce(const kafka::TopicPartition& to, const std::vector<std::string>& values);
  /// An offset of a group without members, in this transaction.
  absl::Status SendMarker(const std::string& group, const kafka::TopicPartition& at, int64_t offset,
                          const std::string& metadata);
  /// Not OK when a record was not acknowledged since the last Flush.
  absl::Status Flush();
  absl::Status Commit();
  absl::Status Abort();

 private:
  friend struct RawProducerCallbacks;
  RawTransactionalProducer() = default;

  rd_kafka_s* client_ = nullptr;
  std::map<std::string, rd_kafka_topic_s*> topics_;
  kafka::ProducerIdAndEpoch identity_;
  absl::Status delivery_;
};

/// The values of the records in [from, to), whatever became of their transactions, by offset.
/// UNAVAILABLE when nothing comes for 10 s.
absl::StatusOr<std::map<int64_t, std::string>> ReadUncommitted(const std::string& brokers,
                                                               const kafka::TopicPartition& from,
                                                               int64_t first_offset,
                                                               int64_t end_offset);

}  // namespace weir
