#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/config/option.h"

namespace weir {

struct OptionSection {
  absl::string_view title;
  absl::string_view doc;
  std::vector<OptionSpec> options;
};

/// All options that may be given, by key and in sections. Immutable, so any thread may use it.
class OptionTable {
 public:
  /// CHECKs that keys are unique and well formed, that no key is the beginning of another
  /// ("a" beside "a.b" cannot be nested in YAML), and that defaults and bounds parse.
  explicit OptionTable(std::vector<OptionSection> sections);

  const std::vector<OptionSection>& sections() const { return sections_; }
  const std::vector<std::string>& keys() const { return keys_; }
  /// Null when there is no such option.
  const OptionSpec* Find(absl::string_view key) const;
  /// By the name of its environment variable, "WEIR_RPC_ADDRESS".
  const OptionSpec* FindByEnvironmentName(absl::string_view name) const;
  /// INVALID_ARGUMENT, one sentence with the nearest keys.
  absl::Status UnknownOption(absl::string_view key) const;

 private:
  std::vector<OptionSection> sections_;
  std::vector<std::string> keys_;  // in the order of the table
  std::map<std::string, OptionSpec> by_key_;
  std::map<std::string, std::string> key_by_environment_name_;
};

/// The options of Weir's processes (options.h). The one table: what is not in it is an error.
const OptionTable& WeirOptions();

/// For --help: every option with type, default and doc, wrapped to `width` columns.
std::string OptionsHelp(const OptionTable& table, size_t width = 100);

/// docs/configuration.md.
std::string OptionsMarkdown(const OptionTable& table);

}  // namespace weir
