#pragma once

#include <cstdint>
#include <vector>

#include "connectors/kafka/wire/api_definition.h"

namespace weir::kafka {

inline constexpr ApiDefinition kApiVersionsApi{18, "ApiVersions", 0, 0, 3};

/// What a broker can speak. Version 0 is understood by every broker, so that no second question is
/// needed.
struct ApiVersionsResponse {
  static constexpr ApiDefinition kApi = kApiVersionsApi;
  static constexpr char kName[] = "ApiVersions response";

  struct Range {
    int16_t api_key = 0;
    int16_t min_version = 0;
    int16_t max_version = 0;
    bool operator==(const Range&) const = default;
  };
  int16_t error_code = 0;
  std::vector<Range> api_keys;
  bool operator==(const ApiVersionsResponse&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& message) {
    codec.Int16(message.error_code, "error_code");
    codec.Array(message.api_keys, "api_keys", [&](auto& range) {
      codec.Int16(range.api_key, "api_key");
      codec.Int16(range.min_version, "min_version");
      codec.Int16(range.max_version, "max_version");
      codec.EndOfStructure();
    });
    codec.EndOfStructure();
  }
};

struct ApiVersionsRequest {
  static constexpr ApiDefinition kApi = kApiVersionsApi;
  static constexpr char kName[] = "ApiVersions request";
  using Response = ApiVersionsResponse;
  bool operator==(const ApiVersionsRequest&) const = default;

  template <class Codec, class Message>
  static void Fields(Codec& codec, int16_t /*version*/, Message& /*message*/) {
    codec.EndOfStructure();
  }
};

}  // namespace weir::kafka
