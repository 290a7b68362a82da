#include "connectors/kafka/kafka_properties.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/nearest_names.h"
#include "connectors/kafka/sasl_jaas.h"

namespace weir::kafka {
namespace {

using Action = PropertyRule::Action;

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// Translates one object of properties; collects problems instead of stopping at the first.
class Translation {
 public:
  Translation(const Properties& properties, ClientKind kind)
      : properties_(properties), kind_(kind) {
    result_.configuration.kind = kind;
  }

  absl::StatusOr<TranslatedProperties> Run() {
    for (const auto& [name, value] : properties_.values()) {
      const PropertyRule* rule = FindPropertyRule(name);
      if (rule == nullptr) {
        problems_.push_back(absl::StrCat("unknown Kafka property '", name, "'",
                                         DidYouMean(name, KnownPropertyNames())));
      } else if (rule->Concerns(kind_)) {
        Apply(*rule, name, value);
      }
    }
    if (properties_.Get("bootstrap.servers").empty() &&
        properties_.Get("metadata.broker.list").empty()) {
      problems_.push_back("the Kafka property 'bootstrap.servers' is missing");
    }
    if (absl::Status status = JoinProblems(problems_); !status.ok()) return status;
    return std::move(result_);
  }

 private:
  void Apply(const PropertyRule& rule, const std::string& name, const std::string& value) {
    switch (rule.action) {
      case Action::kPass:
        Set(name, value, name);
        break;
      case Action::kRename:
        Set(std::string(rule.detail), value, name);
        break;
      case Action::kKilobytes:
        Kilobytes(rule, value);
        break;
      case Action::kConvert:
        Convert(rule, name, value);
        break;
      case Action::kConnector:
        break;
      case Action::kIgnore:
        result_.ignored.push_back(absl::StrCat(name, " (", View(rule.detail), ")"));
        break;
      case Action::kRefuse:
        problems_.push_back(
            absl::StrCat("the Kafka property '", name, "' cannot be used: ", View(rule.detail)));
        break;
    }
  }

  void Set(const std::string& native, const std::string& value, const std::string& from) {
    const auto [at, inserted] = result_.configuration.values.emplace(native, value);
    if (!inserted && at->second != value) {
      problems_.push_back(absl::StrCat("the Kafka property '", from, "' contradicts '",
                                       set_by_[native], "', which means the same"));
    }
    set_by_.emplace(native, from);
  }

  void Kilobytes(const PropertyRule& rule, const std::string& value) {
    int64_t bytes = 0;
    if (!absl::SimpleAtoi(value, &bytes) || bytes < 1024) {
      problems_.push_back(absl::StrCat("the Kafka property '", View(rule.name),
                                       "' must be a number of bytes, 1024 or more, not '", value,
                                       "'"));
      return;
    }
    Set(std::string(rule.detail), absl::StrCat(bytes / 1024), std::string(rule.name));
  }

  void Convert(const PropertyRule& rule, const std::string& name, const std::string& value) {
    if (name == "request.timeout.ms") {
      // librdkafka's request.timeout.ms is the broker's time to acknowledge; a consumer has none.
      Set(kind_ == ClientKind::kConsumer ? "socket.timeout.ms" : name, value, name);
    } else if (name == "receive.buffer.bytes" || name == "send.buffer.bytes") {
      // -1: the operating system's default, which librdkafka calls 0.
      Set(std::string(rule.detail), value == "-1" ? "0" : value, name);
    } else if (name == "ssl.endpoint.identification.algorithm") {
      Set(name, value.empty() ? "none" : absl::AsciiStrToLower(value), name);
    } else if (name == "sasl.jaas.config") {
      Jaas(value);
    } else if (name == "ssl.keystore.location") {
      KeyStore(value);
    } else if (name == "ssl.truststore.location") {
      TrustStore(value);
    }
    // ssl.keystore.type and ssl.truststore.type are read with their locations.
  }

  void Jaas(const std::string& value) {
    auto translated = TranslateJaasConfig(value);
    if (!translated.ok()) {
      problems_.emplace_back(translated.status().message());
      return;
    }
    for (const auto& [native, text] : *translated) Set(native, text, "sasl.jaas.config");
  }

  // "PEM", "PKCS12" or "JKS": as stated, else by the ending of the file's name; Java's default for
  // anything else would be JKS.
  std::string StoreType(std::string_view type_property, const std::string& location) const {
    const std::string stated = absl::AsciiStrToUpper(properties_.Get(type_property));
    if (!stated.empty()) return stated;
    const std::string lower = absl::AsciiStrToLower(location);
    for (const char* ending : {".pem", ".crt", ".cer"}) {
      if (absl::EndsWith(lower, ending)) return "PEM";
    }
    for (const char* ending : {".p12", ".pfx"}) {
      if (absl::EndsWith(lower, ending)) return "PKCS12";
    }
    return "JKS";
  }

  void KeyStore(const std::string& location) {
    const std::string type = StoreType("ssl.keystore.type", location);
    if (type == "PKCS12") {
      Set("ssl.keystore.location", location, "ssl.keystore.location");
    } else if (type == "PEM") {
      Set("ssl.certificate.location", location, "ssl.keystore.location");
      Set("ssl.key.location", location, "ssl.keystore.location");
    } else {
      problems_.push_back(absl::StrCat("ssl.keystore.location names a key store of type ", type,
                                       "; only PKCS12 and PEM can be read (keytool "
                                       "-importkeystore -deststoretype PKCS12 converts it)"));
    }
  }

  void TrustStore(const std::string& location) {
    const std::string type = StoreType("ssl.truststore.type", location);
    if (type == "PEM") {
      Set("ssl.ca.location", location, "ssl.truststore.location");
    } else {
      problems_.push_back(absl::StrCat("ssl.truststore.location names a trust store of type ", type,
                                       "; only PEM can be read (keytool -exportcert -rfc "
                                       "writes it)"));
    }
  }

  const Properties& properties_;
  const ClientKind kind_;
  TranslatedProperties result_;
  std::map<std::string, std::string> set_by_;
  std::vector<std::string> problems_;
};

}  // namespace

absl::StatusOr<TranslatedProperties> TranslateProperties(const Properties& properties,
                                                         ClientKind kind) {
  return Translation(properties, kind).Run();
}

bool IsSecretProperty(std::string_view name) {
  for (const char* part : {"password", "secret", "jaas", "key.pem", "keystore.key", "token",
                           "oauthbearer.config", "extensions"}) {
    if (absl::StrContains(View(name), part) && !absl::EndsWith(View(name), ".url")) return true;
  }
  return false;
}

std::map<std::string, std::string> DescribeProperties(const Properties& properties) {
  std::map<std::string, std::string> described;
  for (const auto& [name, value] : properties.values()) {
    described[absl::StrCat("properties.", name)] = IsSecretProperty(name) ? "(hidden)" : value;
  }
  return described;
}

absl::StatusOr<int64_t> IntegerProperty(const Properties& properties, std::string_view name,
                                        int64_t fallback, int64_t min, int64_t max) {
  if (!properties.Has(name)) return fallback;
  const std::string text = properties.Get(name);
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value < min || value > max) {
    return absl::InvalidArgumentError(absl::StrCat("the Kafka property '", View(name),
                                                   "' must be a number from ", min, " to ", max,
                                                   ", not '", text, "'"));
  }
  return value;
}

absl::StatusOr<bool> BooleanProperty(const Properties& properties, std::string_view name,
                                     bool fallback) {
  if (!properties.Has(name)) return fallback;
  const std::string text = absl::AsciiStrToLower(properties.Get(name));
  if (text != "true" && text != "false") {
    return absl::InvalidArgumentError(absl::StrCat("the Kafka property '", View(name),
                                                   "' must be true or false, not '", text, "'"));
  }
  return text == "true";
}

absl::Status JoinProblems(const std::vector<std::string>& problems) {
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrJoin(problems, "; "));
}

}  // namespace weir::kafka
