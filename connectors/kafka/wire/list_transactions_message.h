#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kListTransactionsApi{66, "ListTransactions", 0, 1, 0};

struct ListTransactionsResponse {
  static constexpr ApiDefinition kApi = kListTransactionsApi;
  static constexpr char kName[] = "ListTransactions response";

  struct Transaction {
    std::string transactional_id;
    int64_t producer_id = 0;
    std::string transaction_state;
    bool operator==(const Transaction&) const = default;
  };
  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;
  std::vector<std::string> unknown_state_filters;
  std::vector<Transaction> transaction_states;
  bool operator==(const ListTransactionsResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Int16(message.error_code, "error_code");
    codec.Array(message.unknown_state_filters, "unknown_state_filters",
                [&](auto& filter) { codec.String(filter, "unknown_state_filter"); });
    codec.Array(message.transaction_states, "transaction_states", [&](auto& transaction) {
      codec.String(transaction.transactional_id, "transactional_id");
      codec.Int64(transaction.producer_id, "producer_id");
      codec.String(transaction.transaction_state, "transaction_state");
      codec.EndOfStructure();
    });
    codec.EndOfStructure();
  }
};

struct ListTransactionsRequest {
  static constexpr ApiDefinition kApi = kListTransactionsApi;
  static constexpr char kName[] = "ListTransactions request";
  using Response = ListTransactionsResponse;

  std::vector<std::string> state_filters;  // empty: all
  std::vector<int64_t> producer_id_filters;
  int64_t duration_filter_ms = -1;  // 1+
  bool operator==(const ListTransactionsRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.Array(message.state_filters, "state_filters",
                [&](auto& filter) { codec.String(filter, "state_filter"); });
    codec.Array(message.producer_id_filters, "producer_id_filters",
                [&](auto& id) { codec.Int64(id, "producer_id_filter"); });
    if (version >= 1) codec.Int64(message.duration_filter_ms, "duration_filter");
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
