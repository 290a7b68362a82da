#include "common/config/config_loader.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "common/config/yaml_values.h"

namespace weir {
namespace {

constexpr absl::string_view kConfigVariable = "WEIR_CONFIG";

absl::Status ErrorAt(absl::string_view source, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", message));
}

// Kubernetes describes every service to every pod with variables like Docker's links
// (kubernetes.io/docs/concepts/services-networking/service, "Environment variables").
bool IsKubernetesServiceVariable(absl::string_view name, absl::string_view value) {
  return absl::EndsWith(name, "_SERVICE_HOST") || absl::StrContains(name, "_SERVICE_PORT") ||
         (absl::StrContains(name, "_PORT") &&
          (absl::StrContains(name, "_TCP") || absl::StrContains(name, "_UDP") ||
           absl::StrContains(value, "://")));
}

// What ./dev, CI and the tests export.
constexpr absl::string_view kBuildVariables[] = {"WEIR_SOURCE_DIR", "WEIR_BINARY_DIR",
                                                 "WEIR_ROOT",       "WEIR_CACHE",
                                                 "WEIR_JOBS",       "WEIR_FLIGHTS_FULL"};

bool IsForeignVariable(absl::string_view name, absl::string_view value) {
  return !absl::StartsWith(name, "WEIR_") || name == kConfigVariable ||
         absl::StartsWith(name, "WEIR_TEST_") || absl::StartsWith(name, "WEIR_REQUIRE_") ||
         std::count(std::begin(kBuildVariables), std::end(kBuildVariables), name) > 0 ||
         IsKubernetesServiceVariable(name, value);
}

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const absl::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals == absl::string_view::npos) continue;
    variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

// Takes "--config file" or "--config=file" out of the arguments.
absl::StatusOr<std::string> TakeConfigFlag(std::vector<std::string>* arguments) {
  std::string file;
  for (auto at = arguments->begin(); at != arguments->end() && *at != "--";) {
    if (absl::StartsWith(*at, "--config=")) {
      file = at->substr(absl::string_view("--config=").size());
      at = arguments->erase(at);
    } else if (*at == "--config") {
      at = arguments->erase(at);
      if (at == arguments->end()) return absl::InvalidArgumentError("flag --config has no value");
      file = *at;
      at = arguments->erase(at);
    } else {
      ++at;
    }
  }
  return file;
}

bool TakeHelpFlag(std::vector<std::string>* arguments) {
  for (auto at = arguments->begin(); at != arguments->end() && *at != "--"; ++at) {
    if (*at != "--help" && *at != "-h") continue;
    arguments->erase(at);
    return true;
  }
  return false;
}

}  // namespace

absl::Status ConfigLoader::Set(Values* layer, absl::string_view key, absl::string_view value,
                               absl::string_view source) {
  const OptionSpec* spec = table_.Find(key);
  if (spec == nullptr) return Annotate(table_.UnknownOption(key), source);
  WEIR_RETURN_IF_ERROR(Annotate(CheckOptionValue(*spec, value), source));
  (*layer)[std::string(key)] = Value{std::string(value), std::string(source)};
  return absl::OkStatus();
}

absl::Status ConfigLoader::AddYamlFile(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    // An empty file fails to extract anything, too, and is fine.
    if (!file.is_open() || file.bad()) {
      return absl::NotFoundError(absl::StrCat("cannot read the configuration file '", path, "'"));
    }
  }
  return AddYaml(text.str(), path);
}

absl::Status ConfigLoader::AddYaml(const std::string& text, absl::string_view source) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<YamlValue> values, ParseYaml(text, source));
  Values layer;
  for (const YamlValue& value : values) {
    if (layer.count(value.key) > 0) {
      return ErrorAt(value.source, absl::StrCat("option '", value.key, "' is given twice"));
    }
    WEIR_RETURN_IF_ERROR(Set(&layer, value.key, value.text, value.source));
  }
  for (auto& [key, value] : layer) files_[key] = std::move(value);
  return absl::OkStatus();
}

absl::Status ConfigLoader::AddEnvironment(const std::map<std::string, std::string>& variables) {
  for (const auto& [name, value] : variables) {
    const OptionSpec* spec = table_.FindByEnvironmentName(name);
    if (spec != nullptr) {
      WEIR_RETURN_IF_ERROR(
          Set(&environment_, spec->key, value, absl::StrCat("environment variable ", name)));
    } else if (!IsForeignVariable(name, value)) {
      std::vector<std::string> names;
      for (const std::string& key : table_.keys()) names.push_back(EnvironmentName(key));
      return absl::InvalidArgumentError(
          absl::StrCat("environment variable ", name, " names no option", DidYouMean(name, names)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ConfigLoader::AddFlags(
    const std::vector<std::string>& arguments) {
  std::vector<std::string> others;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const absl::string_view argument = arguments[i];
    if (argument == "--") {
      others.insert(others.end(), arguments.begin() + i + 1, arguments.end());
      break;
    }
    if (!absl::StartsWith(argument, "-") || argument == "-") {
      others.emplace_back(argument);
      continue;
    }
    const size_t equals = std::min(argument.find('='), argument.size());
    const std::string flag(argument.substr(0, equals));
    const OptionSpec* spec =
        absl::StartsWith(flag, "--") ? table_.Find(absl::string_view(flag).substr(2)) : nullptr;
    if (spec == nullptr) {
      std::vector<std::string> flags;
      for (const std::string& key : table_.keys()) flags.push_back(absl::StrCat("--", key));
      return absl::InvalidArgumentError(
          absl::StrCat("unknown flag '", flag, "'", DidYouMean(flag, flags)));
    }
    std::string value;
    const bool has_next = i + 1 < arguments.size();
    if (equals < argument.size()) {
      value = std::string(argument.substr(equals + 1));
    } else if (spec->type == OptionType::kBool) {
      value = "true";
      if (has_next && ParseBool(arguments[i + 1]).ok()) value = arguments[++i];
    } else if (has_next) {
      value = arguments[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("flag ", flag, " has no value"));
    }
    WEIR_RETURN_IF_ERROR(Set(&flags_, spec->key, value, absl::StrCat("flag ", flag)));
  }
  return others;
}

absl::StatusOr<Config> ConfigLoader::Build() const {
  Values merged = flags_;
  merged.insert(environment_.begin(), environment_.end());  // insert keeps what is there
  merged.insert(files_.begin(), files_.end());
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> sources;
  for (const auto& [key, value] : merged) {
    values[key] = value.text;
    sources[key] = value.source;
  }
  WEIR_ASSIGN_OR_RETURN(const Config config, Config::FromValues(values, table_));
  return config.WithSources(std::move(sources));
}

absl::StatusOr<CommandLine> LoadCommandLine(int argc, const char* const* argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  CommandLine command_line;
  command_line.help = TakeHelpFlag(&arguments);
  if (command_line.help) return command_line;
  const std::map<std::string, std::string> environment = ProcessEnvironment();
  WEIR_ASSIGN_OR_RETURN(std::string file, TakeConfigFlag(&arguments));
  if (file.empty()) {
    const auto variable = environment.find(std::string(kConfigVariable));
    if (variable != environment.end()) file = variable->second;
  }
  ConfigLoader loader;
  if (!file.empty()) WEIR_RETURN_IF_ERROR(loader.AddYamlFile(file));
  WEIR_RETURN_IF_ERROR(loader.AddEnvironment(environment));
  WEIR_ASSIGN_OR_RETURN(command_line.arguments, loader.AddFlags(arguments));
  WEIR_ASSIGN_OR_RETURN(command_line.config, loader.Build());
  return command_line;
}

}  // namespace weir
