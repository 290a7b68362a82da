#pragma once

#include <cstdint>
#include <string>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

/// Never version 5: it makes the coordinator raise the epoch with every transaction (KIP-890), and
/// librdkafka, which began the transaction, speaks version 1.
inline constexpr ApiDefinition kEndTxnApi{26, "EndTxn", 1, 4, 3};

struct EndTxnResponse {
  static constexpr ApiDefinition kApi = kEndTxnApi;
  static constexpr char kName[] = "EndTxn response";

  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;
  bool operator==(const EndTxnResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Int16(message.error_code, "error_code");
    codec.EndOfStructure();
  }
};

struct EndTxnRequest {
  static constexpr ApiDefinition kApi = kEndTxnApi;
  static constexpr char kName[] = "EndTxn request";
  using Response = EndTxnResponse;

  std::string transactional_id;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  bool committed = false;
  bool operator==(const EndTxnRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.String(message.transactional_id, "transactional_id");
    codec.Int64(message.producer_id, "producer_id");
    codec.Int16(message.producer_epoch, "producer_epoch");
    codec.Bool(message.committed, "committed");
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
