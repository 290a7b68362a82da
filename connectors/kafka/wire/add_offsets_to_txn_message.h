#pragma once

#include <cstdint>
#include <string>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

/// Announces to a transaction's coordinator that the transaction will write offsets of a group.
/// Version 4 only adds an error code for clients of transaction.version 2.
inline constexpr ApiDefinition kAddOffsetsToTxnApi{25, "AddOffsetsToTxn", 0, 3, 3};

struct AddOffsetsToTxnResponse {
  static constexpr ApiDefinition kApi = kAddOffsetsToTxnApi;
  static constexpr char kName[] = "AddOffsetsToTxn response";

  int32_t throttle_time_ms = 0;
  int16_t error_code = 0;
  bool operator==(const AddOffsetsToTxnResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int32(message.throttle_time_ms, "throttle_time_ms");
    codec.Int16(message.error_code, "error_code");
    codec.EndOfStructure();
  }
};

struct AddOffsetsToTxnRequest {
  static constexpr ApiDefinition kApi = kAddOffsetsToTxnApi;
  static constexpr char kName[] = "AddOffsetsToTxn request";
  using Response = AddOffsetsToTxnResponse;

  std::string transactional_id;
  int64_t producer_id = -1;
  int16_t producer_epoch = -1;
  std::string group_id;
  bool operator==(const AddOffsetsToTxnRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.String(message.transactional_id, "transactional_id");
    codec.Int64(message.producer_id, "producer_id");
    codec.Int16(message.producer_epoch, "producer_epoch");
    codec.String(message.group_id, "group_id");
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
