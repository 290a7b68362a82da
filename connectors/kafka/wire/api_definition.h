#pragma once

#include <cstdint>

namespace weir::kafka {

/// One request type of Kafka's protocol, with the versions that this client can speak. Source: the
/// *Request.json definitions of Kafka 3.9 and 4.0; every range has versions that both accept
/// (KIP-896 removed the oldest with 4.0).
struct ApiDefinition {
  int16_t key;
  const char* name;
  int16_t min_version;
  int16_t max_version;
  int16_t first_flexible_version;  // KIP-482

  constexpr bool Flexible(int16_t version) const { return version >= first_flexible_version; }
};

}  // namespace weir::kafka
