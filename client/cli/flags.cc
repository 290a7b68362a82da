#include "client/cli/flags.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

struct FlagText {
  std::string shown;  // "--output" or "-o"
  std::string name;
  bool is_short = false;
  std::optional<std::string> value;
};

FlagText Split(const std::string& argument) {
  FlagText text;
  if (!absl::StartsWith(argument, "--")) {
    text.is_short = true;
    text.name = argument.substr(1, 1);
    text.shown = argument.substr(0, 2);
    if (argument.size() > 2) text.value = argument.substr(argument[2] == '=' ? 3 : 2);
    return text;
  }
  const size_t equals = argument.find('=');
  text.name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
  text.shown = absl::StrCat("--", text.name);
  if (equals != std::string::npos) text.value = argument.substr(equals + 1);
  return text;
}

absl::StatusOr<const FlagSpec*> Find(const std::vector<FlagSpec>& specs, const FlagText& text) {
  std::vector<std::string> names;
  for (const FlagSpec& spec : specs) {
    if (text.is_short ? spec.short_name == text.name : spec.name == text.name) return &spec;
    names.push_back(absl::StrCat("--", spec.name));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag '", text.shown, "'", DidYouMean(text.shown, names)));
}

}  // namespace

absl::StatusOr<ParsedFlags> ParseFlags(const std::vector<FlagSpec>& specs,
                                       const std::vector<std::string>& arguments) {
  ParsedFlags parsed;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (argument == "--") {
      parsed.job_arguments.assign(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                                  arguments.end());
      return parsed;
    }
    if (argument.size() < 2 || argument[0] != '-') {
      parsed.positionals.push_back(argument);
      continue;
    }
    FlagText text = Split(argument);
    WEIR_ASSIGN_OR_RETURN(const FlagSpec* spec, Find(specs, text));
    if (!spec->takes_value && text.value.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(text.shown, " takes no value"));
    }
    if (spec->takes_value && !text.value.has_value()) {
      if (i + 1 == arguments.size()) {
        return absl::InvalidArgumentError(absl::StrCat(text.shown, " needs a value"));
      }
      text.value = arguments[++i];
    }
    if (!parsed.values.emplace(spec->name, text.value.value_or("true")).second) {
      return absl::InvalidArgumentError(absl::StrCat(text.shown, " is given twice"));
    }
  }
  return parsed;
}

std::string FlagsHelp(const std::vector<FlagSpec>& specs) {
  std::vector<std::string> lefts;
  size_t width = 0;
  for (const FlagSpec& spec : specs) {
    std::string left = spec.short_name.empty() ? "  " : absl::StrCat("  -", spec.short_name, ", ");
    absl::StrAppend(&left, "--", spec.name);
    if (spec.takes_value) absl::StrAppend(&left, " ", spec.value_name);
    width = std::max(width, left.size());
    lefts.push_back(std::move(left));
  }
  constexpr size_t kWidestColumn = 56;
  width = std::min(width, kWidestColumn);
  std::string help;
  for (size_t i = 0; i < specs.size(); ++i) {
    absl::StrAppend(
        &help, absl::StrFormat("%-*s  %s\n", static_cast<int>(width), lefts[i], specs[i].help));
  }
  return help;
}

}  // namespace weir::cli
