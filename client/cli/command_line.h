#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/cli/verb.h"
#include "common/config/option.h"

namespace weir::cli {

/// The flag that gives the option a value.
FlagSpec FlagOf(const OptionSpec& option);

/// The flags of every verb of its kind.
std::vector<FlagSpec> CommonFlags(const Verb& verb);

/// Options of the job, for verbs that take them.
std::vector<FlagSpec> JobFlags(const Verb& verb);

/// The verb's own, CommonFlags and JobFlags.
std::vector<FlagSpec> AllFlags(const Verb& verb);

/// A command line taken apart: flags may stand before, between and behind the words.
struct CommandWords {
  std::string first;                   // a verb or a noun; empty: there is none
  std::string second;                  // a noun's verb; empty behind a verb
  std::vector<std::string> arguments;  // all else, in its order
};
CommandWords SplitWords(const std::vector<Verb>& verbs, const std::vector<std::string>& given);

/// "checkpoint" is one when a verb is called "checkpoint list".
bool IsNoun(const std::vector<Verb>& verbs, const std::string& word);

/// INVALID_ARGUMENT, one sentence with the nearest names, when there is no such verb, or only a
/// noun.
absl::StatusOr<const Verb*> FindVerb(const std::vector<Verb>& verbs, const CommandWords& words);

/// Flags and positionals of this verb, checked as far as they can be without a cluster.
absl::StatusOr<ParsedFlags> ParseVerb(const Verb& verb, const std::vector<std::string>& arguments);

/// What --help prints: of all verbs, of a noun's, of one.
std::string GeneralHelp(const std::vector<Verb>& verbs);
std::string NounHelp(const std::vector<Verb>& verbs, const std::string& noun);
std::string VerbHelp(const Verb& verb);

}  // namespace weir::cli
