#include "client/cli/client_options.h"

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/contexts/context_file.h"
#include "common/base/status_macros.h"
#include "common/config/bind_address.h"
#include "common/config/config.h"
#include "common/config/config_loader.h"
#include "common/config/options.h"
#include "common/net/security_options.h"

namespace weir::cli {
namespace {

// The context that --context names, or the current one; empty when there is none.
absl::StatusOr<Context> ReadContext(const ParsedFlags& flags, const CliEnvironment& environment) {
  const absl::StatusOr<std::string> path = ContextFilePath(environment.variables);
  if (!path.ok()) return flags.Has("context") ? path.status() : absl::StatusOr<Context>(Context());
  WEIR_ASSIGN_OR_RETURN(const ContextFile file, ReadContextFile(*path));
  if (flags.Has("context")) return FindContext(file, flags.Get("context"));
  if (file.current.empty()) return Context();
  const absl::StatusOr<Context> current = FindContext(file, file.current);
  if (current.ok()) return current;
  return absl::InvalidArgumentError(
      absl::StrCat(current.status().message(), ", where it is the current one"));
}

absl::StatusOr<Config> ReadConfig(const ParsedFlags& flags, const CliEnvironment& environment) {
  ConfigLoader loader;
  const auto from_environment = environment.variables.find("WEIR_CONFIG");
  const std::string file = flags.Get(
      "config", from_environment == environment.variables.end() ? "" : from_environment->second);
  if (!file.empty()) WEIR_RETURN_IF_ERROR(loader.AddYamlFile(file));
  WEIR_RETURN_IF_ERROR(loader.AddEnvironment(environment.variables));
  std::vector<std::string> given;
  for (const OptionSpec& option : ContextOptions()) {
    const std::string key(option.key);
    if (flags.Has(key)) given.push_back(absl::StrCat("--", key, "=", flags.Get(key)));
  }
  WEIR_RETURN_IF_ERROR(loader.AddFlags(given).status());
  return loader.Build();
}

absl::StatusOr<ClusterClientOptions> Read(const ParsedFlags& flags,
                                          const CliEnvironment& environment) {
  WEIR_ASSIGN_OR_RETURN(Config config, ReadConfig(flags, environment));
  // What was given outright needs no file of contexts, and no fault in it is in the way.
  if (flags.Has("context") || !config.IsSet(options::kJobmanagerAddresses.spec())) {
    WEIR_ASSIGN_OR_RETURN(const Context context, ReadContext(flags, environment));
    std::map<std::string, std::string> values = config.values();
    for (const auto& [key, value] : context) {
      if (flags.Has("context") && !flags.Has(key)) values[key] = value;
      values.emplace(key, value);
    }
    WEIR_ASSIGN_OR_RETURN(config, Config::FromValues(values));
  }
  ClusterClientOptions client;
  client.addresses = config.Get(options::kJobmanagerAddresses);
  for (const std::string& address : client.addresses) {
    WEIR_RETURN_IF_ERROR(CheckHostPort(options::kJobmanagerAddresses.key(), address, 1));
  }
  WEIR_ASSIGN_OR_RETURN(client.security, ReadSecurityOptions(config));
  return client;
}

}  // namespace

absl::StatusOr<ClusterClientOptions> ReadClientOptions(const ParsedFlags& flags,
                                                       const CliEnvironment& environment) {
  absl::StatusOr<ClusterClientOptions> client = Read(flags, environment);
  if (client.ok()) return client;
  return absl::InvalidArgumentError(client.status().message());
}

}  // namespace weir::cli
