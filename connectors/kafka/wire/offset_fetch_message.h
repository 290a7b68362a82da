#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

/// Version 7 is the first with require_stable (KIP-447), and the last for one group at a time.
inline constexpr ApiDefinition kOffsetFetchApi{9, "OffsetFetch", 7, 7, 6};

struct OffsetFetchResponse {
  static constexpr ApiDefinition kApi = kOffsetFetchApi;
  static constexpr char kName[] = "OffsetFetch response";

  struct Partition {
    int32_t partition_index = 0;
    int64_t committed_offset = -1;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> metadata;
    int16_t error_code = 0;
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  int32_t throttle_time_ms = 0;
  std::vector<Topic> topics;
  int16_t error_code = 0;
  bool operator==(const OffsetFetchResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition_index, "partition_index");
        codec.Int64(partition.committed_offset, "committed_offset");
        codec.Int32(partition.committed_leader_epoch, "committed_leader_epoch");
        codec.NullableString(partition.metadata, "metadata");
        codec.Int16(partition.error_code, "partition error_code");
        codec.EndOfStructure();
      });
      codec.EndOfStructure();
    });
    codec.Int16(message.error_code, "error_code");
    codec.EndOfStructure();
  }
};

struct OffsetFetchRequest {
  static constexpr ApiDefinition kApi = kOffsetFetchApi;
  static constexpr char kName[] = "OffsetFetch request";
  using Response = OffsetFetchResponse;

  struct Topic {
    std::string name;
    std::vector<int32_t> partition_indexes;
    bool operator==(const Topic&) const = default;
  };
  std::string group_id;
  std::optional<std::vector<Topic>> topics;  // absent: all
  bool require_stable = false;
  bool operator==(const OffsetFetchRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.String(message.group_id, "group_id");
    codec.NullableArray(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partition_indexes, "partition_indexes",
                  [&](auto& partition) { codec.Int32(partition, "partition_index"); });
      codec.EndOfStructure();
    });
    codec.Bool(message.require_stable, "require_stable");
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
