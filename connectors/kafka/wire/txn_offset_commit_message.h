#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

/// Writes offsets of a group as part of a transaction. Version 3 is the first whose brokers keep
/// such offsets unstable for readers (KIP-447); from 5 on the broker adds them to the transaction
/// by itself, which is for clients of transaction.version 2.
inline constexpr ApiDefinition kTxnOffsetCommitApi{28, "TxnOffsetCommit", 3, 3, 3};

struct TxnOffsetCommitResponse {
  static constexpr ApiDefinition kApi = kTxnOffsetCommitApi;
  static constexpr char kName[] = "TxnOffsetCommit response";

  struct Partition {
    int32_t partition_index = 0;
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
  bool operator==(const TxnOffsetCommitResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition_index, "partition_index");
        codec.Int16(partition.error_code, "partition error_code");
        codec.EndOfStructure();
      });
      codec.EndOfStructure();
    });
    codec.EndOfStructure();
  }
};

struct TxnOffsetCommitRequest {
  static constexpr ApiDefinition kApi = kTxnOffsetCommitApi;
  static constexpr char kName[] = "TxnOffsetCommit request";
  using Response = TxnOffsetCommitResponse;

  struct Partition {
    int32_t partition_index = 0;
    int64_t committed_offset = -1;
    int32_t committed_leader_epoch = -1;
    std::optional<std::string> committed_metadata;
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    std::string name;
    std::vector<Partition> partitions;
    bool operator==(const Topic&) const = default;
  };
  std::string transactional_id;
  std::string group_id;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  /// -1 and no member: of a group without consumers.
  int32_t generation_id = -1;
  std::string member_id;
  std::optional<std::string> group_instance_id;
  std::vector<Topic> topics;
  bool operator==(const TxnOffsetCommitRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.String(message.transactional_id, "transactional_id");
    codec.String(message.group_id, "group_id");
    codec.Int64(message.producer_id, "producer_id");
    codec.Int16(message.producer_epoch, "producer_epoch");
    codec.Int32(message.generation_id, "generation_id");
    codec.String(message.member_id, "member_id");
    codec.NullableString(message.group_instance_id, "group_instance_id");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.String(topic.name, "topic name");
      codec.Array(topic.partitions, "partitions", [&](auto& partition) {
        codec.Int32(partition.partition_index, "partition_index");
        codec.Int64(partition.committed_offset, "committed_offset");
        codec.Int32(partition.committed_leader_epoch, "committed_leader_epoch");
        codec.NullableString(partition.committed_metadata, "committed_metadata");
        codec.EndOfStructure();
      });
      codec.EndOfStructure();
    });
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
