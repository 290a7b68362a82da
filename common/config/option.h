#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

/// A number of bytes as an option: "64mb".
struct ByteSize {
  uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

enum class OptionType { kBool, kInt, kDouble, kString, kDuration, kBytes, kList };

/// kCluster: of a process, fixed at its start. kJob: also accepted with a job at submit, where it
/// replaces the cluster's value for this job.
enum class OptionScope { kCluster, kJob };

/// What is known of an option apart from its C++ type. All texts are literals.
struct OptionSpec {
  absl::string_view key;  // "checkpoint.interval": lower case, dots between parts, dashes in words
  OptionType type = OptionType::kString;
  absl::string_view default_text;  // written as in a configuration file
  absl::string_view doc;           // whole sentences
  OptionScope scope = OptionScope::kCluster;
  bool required = false;
  absl::string_view choices = "";  // "text|json"; empty: any
  absl::string_view minimum =
      "";  // of numbers, durations and bytes, written as the value; may be empty
  absl::string_view maximum = "";
};

/// One configuration option with the type of its value: bool, int64_t, double, std::string,
/// absl::Duration, ByteSize or std::vector<std::string>. Defined as constexpr in options.h.
template <class T>
class Option {
  static_assert(std::is_same_v<T, bool> || std::is_same_v<T, int64_t> ||
                std::is_same_v<T, double> || std::is_same_v<T, std::string> ||
                std::is_same_v<T, absl::Duration> || std::is_same_v<T, ByteSize> ||
                std::is_same_v<T, std::vector<std::string>>);

 public:
  constexpr Option(absl::string_view key, absl::string_view default_text, absl::string_view doc)
      : spec_{.key = key, .type = TypeOf(), .default_text = default_text, .doc = doc} {}

  constexpr Option ForJobs() const {
    Option copy = *this;
    copy.spec_.scope = OptionScope::kJob;
    return copy;
  }
  constexpr Option Required() const {
    Option copy = *this;
    copy.spec_.required = true;
    return copy;
  }
  constexpr Option OneOf(absl::string_view choices) const {
    Option copy = *this;
    copy.spec_.choices = choices;
    return copy;
  }
  constexpr Option AtLeast(absl::string_view minimum) const {
    Option copy = *this;
    copy.spec_.minimum = minimum;
    return copy;
  }
  constexpr Option AtMost(absl::string_view maximum) const {
    Option copy = *this;
    copy.spec_.maximum = maximum;
    return copy;
  }

  constexpr const OptionSpec& spec() const { return spec_; }
  constexpr absl::string_view key() const { return spec_.key; }

 private:
  static constexpr OptionType TypeOf() {
    if constexpr (std::is_same_v<T, bool>) return OptionType::kBool;
    if constexpr (std::is_same_v<T, int64_t>) return OptionType::kInt;
    if constexpr (std::is_same_v<T, double>) return OptionType::kDouble;
    if constexpr (std::is_same_v<T, absl::Duration>) return OptionType::kDuration;
    if constexpr (std::is_same_v<T, ByteSize>) return OptionType::kBytes;
    if constexpr (std::is_same_v<T, std::vector<std::string>>) return OptionType::kList;
    return OptionType::kString;
  }

  OptionSpec spec_;
};

/// Texts to values. INVALID_ARGUMENT says what was expected, without the key.
/// Durations: "500ms", "10s", "1h30min"; units ns us ms s min h d; "0" needs none.
/// Lists: separated by commas; spaces around items are dropped; "" is the empty list.
absl::StatusOr<bool> ParseBool(absl::string_view text);
absl::StatusOr<int64_t> ParseInt(absl::string_view text);
absl::StatusOr<double> ParseDouble(absl::string_view text);
absl::StatusOr<absl::Duration> ParseOptionDuration(absl::string_view text);
std::vector<std::string> ParseList(absl::string_view text);

/// "10s", "500ms", "1min": the largest unit that divides it.
std::string FormatOptionDuration(absl::Duration duration);

/// "boolean", "integer", "duration", ...
absl::string_view OptionTypeName(OptionType type);

/// "WEIR_CHECKPOINT_MIN_PAUSE" for "checkpoint.min-pause".
std::string EnvironmentName(absl::string_view key);

/// Is `text` a value of the option, within its choices and bounds? The message of INVALID_ARGUMENT
/// is one sentence that names key, value and what was expected.
absl::Status CheckOptionValue(const OptionSpec& spec, absl::string_view text);

}  // namespace weir
