#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kMetadataApi{3, "Metadata", 4, 8, 9};

struct MetadataResponse {
  static constexpr ApiDefinition kApi = kMetadataApi;
  static constexpr char kName[] = "Metadata response";

  struct Broker {
    int32_t node_id = 0;
    std::string host;
    int32_t port = 0;
    std::optional<std::string> rack;
    bool operator==(const Broker&) const = default;
  };
  struct Partition {
    int16_t error_code = 0;
    int32_t partition_index = 0;
    int32_t leader_id = 0;
    int32_t leader_epoch = -1;  // 7+
    std::vector<int32_t> replica_nodes;
    std::vector<int32_t> isr_nodes;
    std::vector<int32_t> offline_replicas;  // 5+
    bool operator==(const Partition&) const = default;
  };
  struct Topic {
    int16_t error_code = 0;
    std::string name;
    bool is_internal = false;
    std::vector<Partition> partitions;
    int32_t authorized_operations = INT32_MIN;  // 8+
    bool operator==(const Topic&) const = default;
  };
  int32_t throttle_time_ms = 0;
  std::vector<Broker> brokers;
  std::optional<std::string> cluster_id;
  int32_t controller_id = -1;
  std::vector<Topic> topics;
  int32_t cluster_authorized_operations = INT32_MIN;  // 8+
  bool operator==(const MetadataResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Array(message.brokers, "brokers", [&](auto& broker) {
      codec.Int32(broker.node_id, "node_id");
      codec.String(broker.host, "host");
      codec.Int32(broker.port, "port");
      codec.NullableString(broker.rack, "rack");
      codec.EndOfStructure();
    });
    codec.NullableString(message.cluster_id, "cluster_id");
    codec.Int32(message.controller_id, "controller_id");
    codec.Array(message.topics, "topics", [&](auto& topic) {
      codec.Int16(topic.error_code, "topic error_code");
      codec.String(topic.name, "topic name");
      codec.Bool(topic.is_internal, "is_internal");
      codec.Array(topic.partitions, "partitions",
                  [&](auto& partition) { PartitionFields(codec, version, partition); });
      if (version >= 8) codec.Int32(topic.authorized_operations, "topic_authorized_operations");
      codec.EndOfStructure();
    });
    if (version >= 8) {
      codec.Int32(message.cluster_authorized_operations, "cluster_authorized_operations");
    }
    codec.EndOfStructure();
  }

 private:
  template <class Codec, class P>
  static void PartitionFields(Codec& codec, int16_t version, P& partition) {
    const auto nodes = [&codec](auto& node) { codec.Int32(node, "node"); };
    codec.Int16(partition.error_code, "partition error_code");
    codec.Int32(partition.partition_index, "partition_index");
    codec.Int32(partition.leader_id, "leader_id");
    if (version >= 7) codec.Int32(partition.leader_epoch, "leader_epoch");
    codec.Array(partition.replica_nodes, "replica_nodes", nodes);
    codec.Array(partition.isr_nodes, "isr_nodes", nodes);
    if (version >= 5) codec.Array(partition.offline_replicas, "offline_replicas", nodes);
    codec.EndOfStructure();
  }
};

struct MetadataRequest {
  static constexpr ApiDefinition kApi = kMetadataApi;
  static constexpr char kName[] = "Metadata request";
  using Response = MetadataResponse;

  /// Absent: all topics; empty: none, only the brokers.
  std::optional<std::vector<std::string>> topics = std::vector<std::string>();
  bool allow_auto_topic_creation = false;
  bool include_cluster_authorized_operations = false;  // 8+
  bool include_topic_authorized_operations = false;    // 8+
  bool operator==(const MetadataRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.NullableArray(message.topics, "topics", [&](auto& name) {
      codec.String(name, "topic name");
      codec.EndOfStructure();
    });
    codec.Bool(message.allow_auto_topic_creation, "allow_auto_topic_creation");
    if (version >= 8) {
      codec.Bool(message.include_cluster_authorized_operations, "include_cluster_operations");
      codec.Bool(message.include_topic_authorized_operations, "include_topic_operations");
    }
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
