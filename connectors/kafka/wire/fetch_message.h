#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kFetchApi{1, "Fetch", 4, 11, 12};

/// org.apache.kafka.common.IsolationLevel.
enum class IsolationLevel : int8_t { kReadUncommitted = 0, kReadCommitted = 1 };

struct FetchResponse {
  static constexpr ApiDefinition kApi = kFetchApi;
  static constexpr char kName[] = "Fetch response";

  struct AbortedTransaction {
    int64_t producer_id = 0;
    int64_t first_offset = 0;
    bool operator==(const AbortedTransaction&) const = default;
  };
  struct Partition {
    int32_t partition_index = 0;
    int16_t error_code = 0;
    int64_t high_watermark = -1;
    int64_t last_stable_offset = -1;
    int64_t log_start_offset = -1;  // 5+
    std::optional<std::vector<AbortedTransaction>> aborted_transactions;
    int32_t preferred_read_replica = -1;  // 11+
    std::optional<std::string> records;   // record batches, see record_batch_headers.h
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;  // 7+
  int32_t session_id = 0;  // 7+
  std::vector<Topic> responses;
  bool operator==(const FetchResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    if (version >= 7) {
      codec.Int16(message.error_code, "error_code");
      codec.Int32(message.session_id, "session_id");
    }
    codec.Array(message.responses, "responses", [&](auto& topic) {
      codec.String(topic.topic, "topic");
      codec.Array(topic.partitions, "partitions",
                  [&](auto& partition) { PartitionFields(codec, version, partition); });
    });
  }

 private:
  template <class Codec, class P>
  static void PartitionFields(Codec& codec, int16_t version, P& partition) {
    codec.Int32(partition.partition_index, "partition_index");
    codec.Int16(partition.error_code, "partition error_code");
    codec.Int64(partition.high_watermark, "high_watermark");
    codec.Int64(partition.last_stable_offset, "last_stable_offset");
    if (version >= 5) codec.Int64(partition.log_start_offset, "log_start_offset");
    codec.NullableArray(partition.aborted_transactions, "aborted_transactions",
                        [&](auto& transaction) {
                          codec.Int64(transaction.producer_id, "producer_id");
                          codec.Int64(transaction.first_offset, "first_offset");
                        });
    if (version >= 11) codec.Int32(partition.preferred_read_replica, "preferred_read_replica");
    codec.NullableBytes(partition.records, "records");
  }
};

struct FetchRequest {
  static constexpr ApiDefinition kApi = kFetchApi;
  static constexpr char kName[] = "Fetch request";
  using Response = FetchResponse;

  struct Partition {
    int32_t partition = 0;
    int32_t current_leader_epoch = -1;  // 9+
    int64_t fetch_offset = 0;
    int64_t log_start_offset = -1;  // 5+; for followers only
    int32_t partition_max_bytes = 0;
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string topic;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  struct ForgottenTopic {
    std::string topic;
    std::vector<int32_t> partitions;
    bool operator==(const ForgottenTopic&) const = default;
  };
  int32_t replica_id = -1;
  int32_t max_wait_ms = 0;
  int32_t min_bytes = 0;
  int32_t max_bytes = 0;
  int8_t isolation_level = 0;  // IsolationLevel
  int32_t session_id = 0;      // 7+
  int32_t session_epoch = -1;  // 7+; -1: without a session
  std::vector<Topic> topics;
  std::vector<ForgottenTopic> forgotten_topics;  // 7+
  std::string rack_id;                           // 11+
  bool operator==(const FetchRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Int32(message.replica_id, "replica_id");
    codec.Int32(message.max_wait_ms, "max_wait_ms");
    codec.Int32(message.min_bytes, "min_bytes");
    codec.Int32(message.max_bytes, "max_bytes");
    codec.Int8(message.isolation_level, "isolation_level");
    if (version >= 7) {
      codec.Int32(message.session_id, "session_id");
      codec.Int32(message.session_epoch, "session_epoch");
    }
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.topic, "topic");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition, "partition");
        if (version >= 9) codec.Int32(partition.current_leader_epoch, "current_leader_epoch");
        codec.Int64(partition.fetch_offset, "fetch_offset");
        if (version >= 5) codec.Int64(partition.log_start_offset, "log_start_offset");
        codec.Int32(partition.partition_max_bytes, "partition_max_bytes");
      });
    });
    if (version >= 7) {
      codec.Array(message.forgotten_topics, "forgotten_topics", [&](auto& topic) {
        codec.String(topic.topic, "forgotten topic");
        codec.Array(topic.partitions, "forgotten partitions",
                    [&](auto& partition) { codec.Int32(partition, "forgotten partition"); });
      });
    }
    if (version >= 11) codec.String(message.rack_id, "rack_id");
  }
};

}  // namespace weir::kafka
