#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir::kafka {

/// Translates Java's sasl.jaas.config ("...PlainLoginModule required username=\"u\"
/// password=\"p\";") into librdkafka's properties. Knows PlainLoginModule, ScramLoginModule,
/// OAuthBearerLoginModule (client credentials) and Krb5LoginModule (keytab). Errors:
/// INVALID_ARGUMENT that never quotes a value: they are secrets.
absl::StatusOr<std::map<std::string, std::string>> TranslateJaasConfig(absl::string_view config);

}  // namespace weir::kafka
