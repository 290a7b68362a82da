#include "common/config/config.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {

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
