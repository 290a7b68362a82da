#include "client/cli/command_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "client/contexts/context_file.h"
#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "common/config/config.h"
#include "common/config/option_table.h"

namespace weir::cli {
namespace {

FlagSpec HelpFlag() { return {"help", "h", false, "", "Show this."}; }

FlagSpec OutputFlag() {
  return {"output", "o", true, kOutputFormats, "How results are printed; table by default."};
}

// Of verbs that ask a cluster.
std::vector<FlagSpec> ClusterFlags(absl::Duration default_timeout) {
  std::vector<FlagSpec> flags = {
      OutputFlag(),
      {"timeout", "t", true, "<duration>",
       absl::StrCat("Longest wait for the cluster; ", FormatOptionDuration(default_timeout),
                    " by default.")},
      {"context", "", true, "NAME", "Context to use instead of the current one."},
      {"config", "", true, "<file>", "YAML file with options."},
      HelpFlag()};
  for (const OptionSpec& option : ContextOptions()) flags.push_back(FlagOf(option));
  return flags;
}

// Is the word behind this argument the argument's value?
bool TakesNext(const std::vector<FlagSpec>& flags, const std::string& argument) {
  return std::any_of(flags.begin(), flags.end(), [&argument](const FlagSpec& flag) {
    return flag.takes_value &&
           (argument == absl::StrCat("--", flag.name) ||
            (!flag.short_name.empty() && argument == absl::StrCat("-", flag.short_name)));
  });
}

bool IsFlag(const std::string& argument) { return argument.size() > 1 && argument[0] == '-'; }

std::vector<std::string> VerbsOf(const std::vector<Verb>& verbs, const std::string& noun) {
  std::vector<std::string> names;
  for (const Verb& verb : verbs) {
    if (absl::StartsWith(verb.name, absl::StrCat(noun, " "))) {
      names.push_back(verb.name.substr(noun.size() + 1));
    }
  }
  return names;
}

absl::Status CheckPositionals(const Verb& verb, const ParsedFlags& flags) {
  const std::vector<std::string> expected =
      absl::StrSplit(verb.positionals, ' ', absl::SkipEmpty());
  const size_t given = flags.positionals.size();
  if (given < expected.size() && !absl::StartsWith(expected[given], "[")) {
    return absl::InvalidArgumentError(absl::StrCat("no ", expected[given], " is given"));
  }
  if (given > expected.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unexpected argument '", flags.positionals[expected.size()], "'",
                     verb.takes_job_arguments ? " (arguments of the job follow after --)" : ""));
  }
  if (!verb.takes_job_arguments && !flags.job_arguments.empty()) {
    return absl::InvalidArgumentError("arguments after -- have no meaning here");
  }
  return absl::OkStatus();
}

}  // namespace

FlagSpec FlagOf(const OptionSpec& option) {
  std::string doc(option.doc);
  doc = doc.substr(0, doc.find(". "));
  if (!absl::EndsWith(doc, ".")) doc += ".";
  const std::string value = option.choices.empty()
                                ? absl::StrCat("<", OptionTypeName(option.type), ">")
                                : std::string(option.choices);
  return {std::string(option.key), "", true, value, std::move(doc)};
}

std::vector<FlagSpec> CommonFlags(const Verb& verb) {
  if (!verb.run_alone) return ClusterFlags(verb.default_timeout);
  if (verb.prints_objects) return {OutputFlag(), HelpFlag()};
  return {HelpFlag()};
}

std::vector<FlagSpec> JobFlags(const Verb& verb) {
  std::vector<FlagSpec> flags;
  if (!verb.takes_job_options) return flags;
  for (const OptionSection& section : WeirOptions().sections()) {
    for (const OptionSpec& option : section.options) {
      if (option.scope == OptionScope::kJob) flags.push_back(FlagOf(option));
    }
  }
  return flags;
}

std::vector<FlagSpec> AllFlags(const Verb& verb) {
  std::vector<FlagSpec> flags = verb.flags;
  for (const FlagSpec& flag : CommonFlags(verb)) flags.push_back(flag);
  for (const FlagSpec& flag : JobFlags(verb)) flags.push_back(flag);
  return flags;
}

CommandWords SplitWords(const std::vector<Verb>& verbs, const std::vector<std::string>& given) {
  std::vector<FlagSpec> flags = ClusterFlags(absl::ZeroDuration());
  CommandWords words;
  size_t i = 0;
  for (; i < given.size() && given[i] != "--"; ++i) {
    const bool complete =
        !words.first.empty() && (!words.second.empty() || !IsNoun(verbs, words.first));
    if (complete) break;
    if (!IsFlag(given[i])) {
      (words.first.empty() ? words.first : words.second) = given[i];
      for (const Verb& verb : verbs) {  // between noun and verb
        if (!absl::StartsWith(verb.name, absl::StrCat(given[i], " "))) continue;
        flags.insert(flags.end(), verb.flags.begin(), verb.flags.end());
      }
      continue;
    }
    words.arguments.push_back(given[i]);
    if (TakesNext(flags, given[i]) && i + 1 < given.size()) words.arguments.push_back(given[++i]);
  }
  words.arguments.insert(words.arguments.end(), given.begin() + static_cast<std::ptrdiff_t>(i),
                         given.end());
  return words;
}

bool IsNoun(const std::vector<Verb>& verbs, const std::string& word) {
  return !word.empty() && !VerbsOf(verbs, word).empty();
}

absl::StatusOr<const Verb*> FindVerb(const std::vector<Verb>& verbs, const CommandWords& words) {
  const std::string name = absl::StrCat(words.first, words.second.empty() ? "" : " ", words.second);
  std::vector<std::string> firsts;
  for (const Verb& verb : verbs) {
    if (verb.name == name) return &verb;
    firsts.push_back(verb.name.substr(0, verb.name.find(' ')));
  }
  if (!IsNoun(verbs, words.first)) {
    firsts.erase(std::unique(firsts.begin(), firsts.end()), firsts.end());
    return absl::InvalidArgumentError(absl::StrCat(
        "unknown verb '", name, "'", DidYouMean(name, firsts), " (weir --help lists all)"));
  }
  const std::vector<std::string> names = VerbsOf(verbs, words.first);
  if (words.second.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(words.first, " needs a verb: ", absl::StrJoin(names, ", ")));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "unknown verb '", words.second, "' of ", words.first, "; ", absl::StrJoin(names, ", "),
      names.size() == 1 ? " exists" : " exist", DidYouMean(words.second, names)));
}

absl::StatusOr<ParsedFlags> ParseVerb(const Verb& verb, const std::vector<std::string>& arguments) {
  absl::StatusOr<ParsedFlags> parsed = ParseFlags(AllFlags(verb), arguments);
  const bool explained = absl::StrContains(parsed.status().message(), "did you mean");
  if (!parsed.ok() && verb.takes_job_arguments && !explained) {
    return absl::InvalidArgumentError(
        absl::StrCat(parsed.status().message(), " (arguments of the job follow after --)"));
  }
  WEIR_RETURN_IF_ERROR(parsed.status());
  ParsedFlags flags = *std::move(parsed);
  if (flags.Has("help")) return flags;
  WEIR_RETURN_IF_ERROR(CheckPositionals(verb, flags));
  if (flags.Has("output")) WEIR_RETURN_IF_ERROR(ParseOutputFormat(flags.Get("output")).status());
  WEIR_RETURN_IF_ERROR(Config::FromValues(JobOptionsOf(flags)).status());
  if (verb.check) WEIR_RETURN_IF_ERROR(verb.check(flags));
  return flags;
}

}  // namespace weir::cli
