#include "common/config/config.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {

bool IsSecretKey(absl::string_view key) {
  constexpr absl::string_view kSecretWords[] = {"password",    "secret", "token",
                                                "credentials", "key",    "passphrase"};
  const absl::string_view word = key.substr(key.find_last_of(".-") + 1);
  return std::find(std::begin(kSecretWords), std::end(kSecretWords), word) !=
         std::end(kSecretWords);
}

absl::StatusOr<Config> Config::FromValues(const std::map<std::string, std::string>& values,
                                          const OptionTable& table) {
  for (const auto& [key, value] : values) {
    const OptionSpec* spec = table.Find(key);
    if (spec == nullptr) return table.UnknownOption(key);
    WEIR_RETURN_IF_ERROR(CheckOptionValue(*spec, value));
  }
  Config config(table);
  config.values_ = values;
  return config;
}

Config Config::WithSources(std::map<std::string, std::string> sources) const {
  Config copy = *this;
  copy.sources_ = std::move(sources);
  return copy;
}

std::vector<EffectiveOption> Config::EffectiveOptions() const {
  std::vector<EffectiveOption> options;
  for (const OptionSection& section : table_->sections()) {
    for (const OptionSpec& spec : section.options) {
      EffectiveOption& option = options.emplace_back();
      option.key = std::string(spec.key);
      if (!IsSet(spec)) {
        option.value = std::string(spec.default_text);
        option.source = spec.required ? "missing" : "default";
        continue;
      }
      const auto source = sources_.find(option.key);
      option.value = IsSecretKey(spec.key) ? "<hidden>" : values_.at(option.key);
      option.source = source == sources_.end() ? "given" : source->second;
    }
  }
  return options;
}

absl::StatusOr<Config> Config::WithJobOptions(
    const std::map<std::string, std::string>& values) const {
  std::map<std::string, std::string> merged = values_;
  for (const auto& [key, value] : values) {
    const OptionSpec* spec = table_->Find(key);
    if (spec == nullptr) return table_->UnknownOption(key);
    if (spec->scope != OptionScope::kJob) {
      return absl::InvalidArgumentError(
          absl::StrCat("option '", key, "' belongs to the cluster and cannot be given with a job"));
    }
    merged[key] = value;
  }
  return FromValues(merged, *table_);
}

absl::Status Config::CheckRequired() const {
  std::string missing;
  for (const OptionSection& section : table_->sections()) {
    for (const OptionSpec& spec : section.options) {
      if (!spec.required || IsSet(spec)) continue;
      absl::StrAppend(&missing, missing.empty() ? "" : ", ", spec.key, " (flag --", spec.key,
                      " or environment variable ", EnvironmentName(spec.key), ")");
    }
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("required options have no value: ", missing));
}

std::string Config::Text(const OptionSpec& spec) const {
  WEIR_CHECK(table_->Find(spec.key) != nullptr) << "option '" << spec.key << "' is in no table";
  const auto value = values_.find(std::string(spec.key));
  if (value != values_.end()) return value->second;
  WEIR_CHECK(!spec.required) << "option '" << spec.key << "' is required and has no value";
  return std::string(spec.default_text);
}

}  // namespace weir
