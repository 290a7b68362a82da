#include "common/config/option.h"

#include <cmath>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "common/base/bytes_format.h"
#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"

namespace weir {
namespace {

struct DurationUnit {
  absl::string_view name;
  int64_t nanoseconds;
};

// From the largest to the smallest.
constexpr DurationUnit kDurationUnits[] = {{"d", 86'400'000'000'000},
                                           {"h", 3'600'000'000'000},
                                           {"min", 60'000'000'000},
                                           {"s", 1'000'000'000},
                                           {"ms", 1'000'000},
                                           {"us", 1'000},
                                           {"ns", 1}};

// About 290 years; beyond it the arithmetic would overflow.
constexpr double kMaxNanoseconds = 9.2e18;

absl::Status Expected(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", what));
}

// The place of a value on one scale, so that bounds of all ordered types compare alike.
absl::StatusOr<double> Magnitude(OptionType type, absl::string_view text) {
  switch (type) {
    case OptionType::kInt: {
      WEIR_ASSIGN_OR_RETURN(const int64_t value, ParseInt(text));
      return static_cast<double>(value);
    }
    case OptionType::kDouble:
      return ParseDouble(text);
    case OptionType::kDuration: {
      WEIR_ASSIGN_OR_RETURN(const absl::Duration value, ParseOptionDuration(text));
      return absl::ToDoubleSeconds(value);
    }
    case OptionType::kBytes: {
      absl::StatusOr<uint64_t> value = ParseByteSize(text);
      if (!value.ok()) return Expected("a number of bytes, such as 512, 4kb, 64mb or 1gb");
      return static_cast<double>(*value);
    }
    default:
      return absl::InternalError("not an ordered type");
  }
}

absl::Status CheckBounds(const OptionSpec& spec, absl::string_view text) {
  WEIR_ASSIGN_OR_RETURN(const double value, Magnitude(spec.type, text));
  if (!spec.minimum.empty()) {
    WEIR_ASSIGN_OR_RETURN(const double minimum, Magnitude(spec.type, spec.minimum));
    if (value < minimum) return Expected(absl::StrCat("at least ", spec.minimum));
  }
  if (!spec.maximum.empty()) {
    WEIR_ASSIGN_OR_RETURN(const double maximum, Magnitude(spec.type, spec.maximum));
    if (value > maximum) return Expected(absl::StrCat("at most ", spec.maximum));
  }
  return absl::OkStatus();
}

absl::Status CheckChoices(const OptionSpec& spec, absl::string_view text) {
  if (spec.choices.empty()) return absl::OkStatus();
  const std::vector<std::string> choices = absl::StrSplit(spec.choices, '|');
  for (const std::string& choice : choices) {
    if (text == choice) return absl::OkStatus();
  }
  return Expected(absl::StrCat("one of ", absl::StrJoin(choices, ", "), DidYouMean(text, choices)));
}

absl::Status CheckText(const OptionSpec& spec, absl::string_view text) {
  switch (spec.type) {
    case OptionType::kBool:
      return ParseBool(text).status();
    case OptionType::kInt:
    case OptionType::kDouble:
    case OptionType::kDuration:
    case OptionType::kBytes:
      return CheckBounds(spec, text);
    case OptionType::kString:
      return CheckChoices(spec, text);
    case OptionType::kList:
      for (const std::string& item : ParseList(text)) {
        if (item.empty()) return Expected("a list without empty items");
      }
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<bool> ParseBool(absl::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Expected("true or false");
}

absl::StatusOr<int64_t> ParseInt(absl::string_view text) {
  int64_t value = 0;
  if (!absl::SimpleAtoi(text, &value)) return Expected("a whole number");
  return value;
}

absl::StatusOr<double> ParseDouble(absl::string_view text) {
  double value = 0;
  if (!absl::SimpleAtod(text, &value) || !std::isfinite(value)) return Expected("a number");
  return value;
}

absl::StatusOr<absl::Duration> ParseOptionDuration(absl::string_view text) {
  const absl::Status malformed = Expected("a duration, such as 500ms, 10s, 5min or 1h");
  absl::string_view rest = absl::StripAsciiWhitespace(text);
  if (rest.empty()) return malformed;
  if (rest == "0") return absl::ZeroDuration();
  double total = 0;
  while (!rest.empty()) {
    const size_t digits = rest.find_first_not_of("0123456789.");
    if (digits == 0 || digits == absl::string_view::npos) return malformed;
    double number = 0;
    if (!absl::SimpleAtod(rest.substr(0, digits), &number)) return malformed;
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(digits));
    size_t letters = 0;
    while (letters < rest.size() && absl::ascii_isalpha(rest[letters])) ++letters;
    const absl::string_view unit = rest.substr(0, letters);
    rest = absl::StripLeadingAsciiWhitespace(rest.substr(letters));
    bool known = false;
    for (const DurationUnit& candidate : kDurationUnits) {
      if (candidate.name != unit) continue;
      total += number * static_cast<double>(candidate.nanoseconds);
      known = true;
    }
    if (!known) return malformed;
  }
  if (total > kMaxNanoseconds) return Expected("a duration of less than 290 years");
  return absl::Nanoseconds(std::llround(total));
}

std::vector<std::string> ParseList(absl::string_view text) {
  std::vector<std::string> items;
  if (absl::StripAsciiWhitespace(text).empty()) return items;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    items.emplace_back(absl::StripAsciiWhitespace(item));
  }
  return items;
}

std::string FormatOptionDuration(absl::Duration duration) {
  const int64_t nanoseconds = absl::ToInt64Nanoseconds(duration);
  if (nanoseconds == 0) return "0";
  for (const DurationUnit& unit : kDurationUnits) {
    if (nanoseconds % unit.nanoseconds == 0) {
      return absl::StrCat(nanoseconds / unit.nanoseconds, unit.name);
    }
  }
  return absl::StrCat(nanoseconds, "ns");
}

absl::string_view OptionTypeName(OptionType type) {
  switch (type) {
    case OptionType::kBool:
      return "boolean";
    case OptionType::kInt:
      return "integer";
    case OptionType::kDouble:
      return "number";
    case OptionType::kString:
      return "string";
    case OptionType::kDuration:
      return "duration";
    case OptionType::kBytes:
      return "bytes";
    case OptionType::kList:
      return "list";
  }
  return "unknown";
}

std::string EnvironmentName(absl::string_view key) {
  std::string name = absl::StrCat("WEIR_", absl::AsciiStrToUpper(key));
  for (char& c : name) {
    if (c == '.' || c == '-') c = '_';
  }
  return name;
}

absl::Status CheckOptionValue(const OptionSpec& spec, absl::string_view text) {
  const absl::Status status = CheckText(spec, text);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(
      absl::StrCat("option '", spec.key, "' has the value '", text, "', ", status.message()));
}

}  // namespace weir
