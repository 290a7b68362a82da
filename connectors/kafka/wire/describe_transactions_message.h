#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kDescribeTransactionsApi{65, "DescribeTransactions", 0, 0, 0};

struct DescribeTransactionsResponse {
  static constexpr ApiDefinition kApi = kDescribeTransactionsApi;
  static constexpr char kName[] = "DescribeTransactions response";

  struct Topic {
    std::string topic;
    std::vector<int32_t> partitions;
    bool operator==(const Topic&) const = default;
  };
  struct Transaction {
    int16_t error_code = 0;
    std::string transactional_id;
    std::string transaction_state;
    int32_t transaction_timeout_ms = 0;
    int64_t transaction_start_time_ms = 0;
    int64_t producer_id = 0;
    int16_t producer_epoch = 0;
    std::vector<Topic> topics;
    bool operator==(const Transaction&) const = default;
  };
  int32_t throttle_time_ms = 0;
  std::vector<Transaction> transaction_states;
  bool operator==(const DescribeTransactionsResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Array(message.transaction_states, "transaction_states", [&](auto& transaction) {
      codec.Int16(transaction.error_code, "error_code");
      codec.String(transaction.transactional_id, "transactional_id");
      codec.String(transaction.transaction_state, "transaction_state");
      codec.Int32(transaction.transaction_timeout_ms, "transaction_timeout_ms");
      codec.Int64(transaction.transaction_start_time_ms, "transaction_start_time_ms");
      codec.Int64(transaction.producer_id, "producer_id");
      codec.Int16(transaction.producer_epoch, "producer_epoch");
      codec.Array(transaction.topics, "topics", [&](auto& topic) {
        codec.String(topic.topic, "topic");
        codec.Array(topic.partitions, "partitions",
                    [&](auto& partition) { codec.Int32(partition, "partition"); });
        codec.EndOfStructure();
      });
      codec.EndOfStructure();
    });
    codec.EndOfStructure();
  }
};

struct DescribeTransactionsRequest {
  static constexpr ApiDefinition kApi = kDescribeTransactionsApi;
  static constexpr char kName[] = "DescribeTransactions request";
  using Response = DescribeTransactionsResponse;

  std::vector<std::string> transactional_ids;
  bool operator==(const DescribeTransactionsRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Array(message.transactional_ids, "transactional_ids",
                [&](auto& id) { codec.String(id, "transactional_id"); });
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
