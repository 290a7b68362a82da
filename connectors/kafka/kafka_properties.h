#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "connectors/kafka/properties.h"
#include "connectors/kafka/property_table.h"

namespace weir::kafka {

/// What a client of this kind is configured with, under librdkafka's names.
struct ClientConfiguration {
  ClientKind kind = ClientKind::kConsumer;
  std::map<std::string, std::string> values;
  bool headers = false;  // of consumers: records' headers are wanted, too

  void SetDefault(const std::string& name, const std::string& value) {
    values.emplace(name, value);
  }
};

struct TranslatedProperties {
  ClientConfiguration configuration;
  /// "session.timeout.ms (Weir assigns the partitions itself)", for a warning.
  std::vector<std::string> ignored;
};

/// Java's names to librdkafka's, for a client of this kind; what only concerns the other kind is
/// left out, and so is what the connector reads itself (serializers, group.id, client.id).
/// Errors: INVALID_ARGUMENT listing every unknown name (with the nearest ones), everything that is
/// not possible here, and values that contradict each other. Never quotes a secret.
absl::StatusOr<TranslatedProperties> TranslateProperties(const Properties& properties,
                                                         ClientKind kind);

/// The properties in words for plan and fingerprint, secrets as "(hidden)".
std::map<std::string, std::string> DescribeProperties(const Properties& properties);

/// Passwords, keys, tokens, login configurations.
bool IsSecretProperty(std::string_view name);

/// INVALID_ARGUMENT unless absent or an integer in [min, max].
absl::StatusOr<int64_t> IntegerProperty(const Properties& properties, std::string_view name,
                                        int64_t fallback, int64_t min, int64_t max);
/// INVALID_ARGUMENT unless absent, "true" or "false".
absl::StatusOr<bool> BooleanProperty(const Properties& properties, std::string_view name,
                                     bool fallback);

/// INVALID_ARGUMENT with all sentences joined by "; ", OK when there are none.
absl::Status JoinProblems(const std::vector<std::string>& problems);

}  // namespace weir::kafka
