#include "connectors/kafka/sasl_jaas.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/base/status_macros.h"

namespace weir::kafka {
namespace {

constexpr absl::string_view kBlanks = " \t\r\n";

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("sasl.jaas.config: ", what));
}

// Takes the next word, or the next quoted string (\" and \\ as in Java), from the front.
absl::StatusOr<std::string> TakeValue(absl::string_view* rest) {
  std::string value;
  if (!absl::ConsumePrefix(rest, "\"")) {
    const size_t end = std::min(rest->find_first_of(" \t\r\n;"), rest->size());
    value = std::string(rest->substr(0, end));
    rest->remove_prefix(end);
    return value;
  }
  while (!rest->empty()) {
    char c = rest->front();
    rest->remove_prefix(1);
    if (c == '"') return value;
    if (c == '\\' && !rest->empty()) {
      c = rest->front();
      rest->remove_prefix(1);
    }
    value += c;
  }
  return Malformed("a quoted value has no end");
}

absl::StatusOr<std::map<std::string, std::string>> ParseOptions(absl::string_view rest) {
  std::map<std::string, std::string> options;
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (rest.empty()) return Malformed("the ';' at the end is missing");
    if (rest.front() == ';') return options;
    const size_t equals = rest.find('=');
    if (equals == absl::string_view::npos) return Malformed("an option is not of the form a=b");
    const std::string name(absl::StripAsciiWhitespace(rest.substr(0, equals)));
    rest.remove_prefix(equals + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    WEIR_ASSIGN_OR_RETURN(options[name], TakeValue(&rest));
  }
}

struct OptionName {
  absl::string_view jaas;
  absl::string_view native;
  bool required;
};
struct LoginModule {
  absl::string_view class_name;
  std::vector<OptionName> options;
};

const LoginModule* FindModule(absl::string_view class_name) {
  static const LoginModule kModules[] = {
      {"org.apache.kafka.common.security.plain.PlainLoginModule",
       {{"username", "sasl.username", true}, {"password", "sasl.password", true}}},
      {"org.apache.kafka.common.security.scram.ScramLoginModule",
       {{"username", "sasl.username", true}, {"password", "sasl.password", true}}},
      {"org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule",
       {{"clientId", "sasl.oauthbearer.client.id", true},
        {"clientSecret", "sasl.oauthbearer.client.secret", true},
        {"scope", "sasl.oauthbearer.scope", false}}},
      {"com.sun.security.auth.module.Krb5LoginModule",
       {{"keyTab", "sasl.kerberos.keytab", true}, {"principal", "sasl.kerberos.principal", true}}},
  };
  for (const LoginModule& module : kModules) {
    if (module.class_name == class_name) return &module;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::map<std::string, std::string>> TranslateJaasConfig(absl::string_view config) {
  absl::string_view rest = absl::StripAsciiWhitespace(config);
  WEIR_ASSIGN_OR_RETURN(const std::string class_name, TakeValue(&rest));
  rest = absl::StripLeadingAsciiWhitespace(rest);
  WEIR_ASSIGN_OR_RETURN(const std::string flag, TakeValue(&rest));
  if (flag != "required") return Malformed("the word 'required' must follow the login module");
  const LoginModule* module = FindModule(class_name);
  if (module == nullptr) {
    return Malformed(
        absl::StrCat("the login module ", class_name,
                     " is not known; known are PlainLoginModule, ScramLoginModule, "
                     "OAuthBearerLoginModule and Krb5LoginModule of Kafka and the JDK"));
  }
  WEIR_ASSIGN_OR_RETURN(const auto options, ParseOptions(rest));
  std::map<std::string, std::string> result;
  for (const OptionName& name : module->options) {
    const auto found = options.find(std::string(name.jaas));
    if (found != options.end()) {
      result[std::string(name.native)] = found->second;
    } else if (name.required) {
      return Malformed(absl::StrCat("the option ", name.jaas, " is missing"));
    }
  }
  if (result.count("sasl.oauthbearer.client.id") != 0) result["sasl.oauthbearer.method"] = "oidc";
  return result;
}

}  // namespace weir::kafka
