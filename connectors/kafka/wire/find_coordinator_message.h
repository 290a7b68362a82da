#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kFindCoordinatorApi{10, "FindCoordinator", 1, 3, 3};

/// org.apache.kafka.common.requests.FindCoordinatorRequest.CoordinatorType.
enum class CoordinatorKeyType : int8_t { kGroup = 0, kTransaction = 1 };

struct FindCoordinatorResponse {
  static constexpr ApiDefinition kApi = kFindCoordinatorApi;
  static constexpr char kName[] = "FindCoordinator response";

  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;
  std::optional<std::string> error_message;
  int32_t node_id = 0;
  std::string host;
  int32_t port = 0;
  bool operator==(const FindCoordinatorResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Int16(message.error_code, "error_code");
    codec.NullableString(message.error_message, "error_message");
    codec.Int32(message.node_id, "node_id");
    codec.String(message.host, "host");
    codec.Int32(message.port, "port");
    codec.EndOfStructure();
  }
};

struct FindCoordinatorRequest {
  static constexpr ApiDefinition kApi = kFindCoordinatorApi;
  static constexpr char kName[] = "FindCoordinator request";
  using Response = FindCoordinatorResponse;

  std::string key;
  int8_t key_type = 0;  // CoordinatorKeyType
  bool operator==(const FindCoordinatorRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.String(message.key, "key");
    codec.Int8(message.key_type, "key_type");
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
