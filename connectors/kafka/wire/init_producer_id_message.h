#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kInitProducerIdApi{22, "InitProducerId", 1, 4, 2};

struct InitProducerIdResponse {
  static constexpr ApiDefinition kApi = kInitProducerIdApi;
  static constexpr char kName[] = "InitProducerId response";

  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;
  int64_t producer_id = -1;
  int16_t producer_epoch = 0;
  bool operator==(const InitProducerIdResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Int16(message.error_code, "error_code");
    codec.Int64(message.producer_id, "producer_id");
    codec.Int16(message.producer_epoch, "producer_epoch");
    codec.EndOfStructure();
  }
};

struct InitProducerIdRequest {
  static constexpr ApiDefinition kApi = kInitProducerIdApi;
  static constexpr char kName[] = "InitProducerId request";
  using Response = InitProducerIdResponse;

  std::optional<std::string> transactional_id;
  int32_t transaction_timeout_ms = 0;
  /// 3+. -1: whatever the coordinator has, as init_transactions sends it.
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  bool operator==(const InitProducerIdRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t version, Message& message) {
    codec.NullableString(message.transactional_id, "transactional_id");
    codec.Int32(message.transaction_timeout_ms, "transaction_timeout_ms");
    if (version >= 3) {
      codec.Int64(message.producer_id, "producer_id");
      codec.Int16(message.producer_epoch, "producer_epoch");
    }
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
