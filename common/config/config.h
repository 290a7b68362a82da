#pragma once

#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/base/bytes_format.h"
#include "common/base/check.h"
#include "common/config/option.h"
#include "common/config/option_table.h"

namespace weir {

/// One option as a process runs with it.
struct EffectiveOption {
  std::string key;
  std::string value;   // "<hidden>" for a secret that was given
  std::string source;  // "default", "weir.yaml:12", "flag --log.level", ...
};

/// Does the key name a secret rather than a file with one? Its last word tells: password, secret,
/// token, credentials, key, passphrase.
bool IsSecretKey(absl::string_view key);

/// The values of all options, immutable. Made by ConfigLoader, or from explicit values in tests:
///   Config config = Config::FromValues({{"taskmanager.slots", "4"}}).value();
///   int64_t slots = config.Get(options::kTaskmanagerSlots);
///
/// Every value was checked when the Config was made, so Get cannot fail. Copies share nothing; any
/// thread may read.
class Config {
 public:
  /// All defaults.
  Config() : Config(WeirOptions()) {}
  /// `table` must outlive it.
  explicit Config(const OptionTable& table) : table_(&table) {}

  /// INVALID_ARGUMENT for an unknown key or a bad value: one sentence.
  static absl::StatusOr<Config> FromValues(const std::map<std::string, std::string>& values,
                                           const OptionTable& table = WeirOptions());

  /// The same with words on where values came from, by key; for EffectiveOptions.
  Config WithSources(std::map<std::string, std::string> sources) const;

  /// This configuration with a job's own options in place of the cluster's; INVALID_ARGUMENT also
  /// for an option that cannot be given per job.
  absl::StatusOr<Config> WithJobOptions(const std::map<std::string, std::string>& values) const;

  /// The value, or the default when none was given. CHECKs that the table has the option, and that
  /// a required one was given (see CheckRequired).
  template <class T>
  T Get(const Option<T>& option) const {
    const std::string text = Text(option.spec());
    if constexpr (std::is_same_v<T, bool>) return Checked(option, ParseBool(text));
    if constexpr (std::is_same_v<T, int64_t>) return Checked(option, ParseInt(text));
    if constexpr (std::is_same_v<T, double>) return Checked(option, ParseDouble(text));
    if constexpr (std::is_same_v<T, std::string>) return text;
    if constexpr (std::is_same_v<T, absl::Duration>) {
      return Checked(option, ParseOptionDuration(text));
    }
    if constexpr (std::is_same_v<T, ByteSize>) {
      return ByteSize{Checked(option, ParseByteSize(text))};
    }
    if constexpr (std::is_same_v<T, std::vector<std::string>>) return ParseList(text);
  }

  /// Was a value given, rather than left at its default?
  bool IsSet(const OptionSpec& spec) const { return values_.count(std::string(spec.key)) > 0; }

  /// INVALID_ARGUMENT naming every required option without a value. Called by the mains.
  absl::Status CheckRequired() const;

  /// All options in the order of the table, for people to read. A required one that was not given
  /// has the source "missing".
  std::vector<EffectiveOption> EffectiveOptions() const;

  /// What was given, by key: enough for FromValues in another process.
  const std::map<std::string, std::string>& values() const { return values_; }

 private:
  std::string Text(const OptionSpec& spec) const;

  template <class T, class Parsed>
  static Parsed Checked(const Option<T>& option, absl::StatusOr<Parsed> value) {
    WEIR_CHECK(value.ok()) << option.key() << ": " << value.status();
    return *std::move(value);
  }

  const OptionTable* table_;
  std::map<std::string, std::string> values_;
  std::map<std::string, std::string> sources_;
};

}  // namespace weir
