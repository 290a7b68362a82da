#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct rd_kafka_s;

namespace weir {

/// A record as a test writes or reads it. Writing: without a partition the key decides, as Java's
/// default partitioner does (murmur2); without a timestamp it is now; the offset is ignored.
struct KafkaTestRecord {
  std::optional<std::string> key;
  /// Absent: a tombstone.
  std::optional<std::string> value;
  std::optional<int32_t> partition;
  std::optional<int64_t> timestamp_ms;
  int64_t offset = -1;
  std::map<std::string, std::string> headers;  // read where KafkaReadOptions asks for them
};

/// The writing and asking half of KafkaCluster, on librdkafka (reading is done by Java's consumer).
/// Every call waits for its answer. Threads: one at a time.
/// Errors: UNAVAILABLE when the broker does not answer in 20 s, ALREADY_EXISTS, NOT_FOUND; a record
/// that was not acknowledged is an INTERNAL error naming the first failure.
class TopicClient {
 public:
  /// `client_id` is what the brokers are told of who this is.
  static absl::StatusOr<std::unique_ptr<TopicClient>> Connect(const std::string& bootstrap_servers,
                                                              const std::string& client_id = "");

  TopicClient(const TopicClient&) = delete;
  TopicClient& operator=(const TopicClient&) = delete;
  ~TopicClient();

  absl::Status CreateTopic(const std::string& topic, int partitions, int replication_factor);

  /// Returns when every record is acknowledged by all in-sync replicas.
  absl::Status Produce(const std::string& topic, const std::vector<KafkaTestRecord>& records);

  /// As retention does: the partition begins at this offset from now on.
  absl::Status DeleteRecordsBefore(const std::string& topic, int32_t partition, int64_t offset);

  /// Partition -> last stable offset: behind the last record, control records included, that is
  /// below every open transaction.
  absl::StatusOr<std::map<int32_t, int64_t>> EndOffsets(const std::string& topic);

 private:
  explicit TopicClient(rd_kafka_s* client) : client_(client) {}

  rd_kafka_s* client_;
};

}  // namespace weir
