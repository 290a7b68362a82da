#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kListOffsetsApi{2, "ListOffsets", 2, 5, 6};

/// Timestamps with a meaning of their own (org.apache.kafka.common.requests.ListOffsetsRequest).
inline constexpr int64_t kLatestTimestamp = -1;
inline constexpr int64_t kEarliestTimestamp = -2;

struct ListOffsetsResponse {
  static constexpr ApiDefinition kApi = kListOffsetsApi;
  static constexpr char kName[] = "ListOffsets response";

  struct Partition {
    int32_t partition_index = 0;
    int16_t error_code = 0;
    int64_t timestamp = -1;
    int64_t offset = -1;
    int32_t leader_epoch = -1;  // 4+
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  bool operator==(const ListOffsetsResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition_index, "partition_index");
        codec.Int16(partition.error_code, "error_code");
        codec.Int64(partition.timestamp, "timestamp");
        codec.Int64(partition.offset, "offset");
        if (version >= 4) codec.Int32(partition.leader_epoch, "leader_epoch");
      });
    });
  }
};

struct ListOffsetsRequest {
  static constexpr ApiDefinition kApi = kListOffsetsApi;
  static constexpr char kName[] = "ListOffsets request";
  using Response = ListOffsetsResponse;

  struct Partition {
    int32_t partition_index = 0;
    int32_t current_leader_epoch = -1;  // 4+
    int64_t timestamp = 0;
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  int32_t replica_id = -1;
  /// IsolationLevel; with kReadCommitted the latest offset is the last stable one.
  int8_t isolation_level = 0;
  std::vector<Topic> topics;
  bool operator==(const ListOffsetsRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Int32(message.replica_id, "replica_id");
    codec.Int8(message.isolation_level, "isolation_level");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition_index, "partition_index");
        if (version >= 4) codec.Int32(partition.current_leader_epoch, "current_leader_epoch");
        codec.Int64(partition.timestamp, "timestamp");
      });
    });
  }
};

}  // namespace weir::kafka
