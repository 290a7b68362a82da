#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "client/cli/command_line.h"

namespace weir::cli {
namespace {

std::string Line(const Verb& verb) {
  return absl::StrFormat("  %-22s %s\n", verb.name, verb.summary);
}

}  // namespace

std::string GeneralHelp(const std::vector<Verb>& verbs) {
  std::string help = "weir: the command line of a Weir cluster\n\nUsage: weir VERB ...\n\n";
  for (const Verb& verb : verbs) absl::StrAppend(&help, Line(verb));
  absl::StrAppend(&help,
                  "\n`weir VERB --help` tells more. Exit codes: 0 ok, 1 failed, 2 usage, "
                  "3 not found, 4 conflict,\n5 authentication, 6 unreachable, 7 timeout.\n");
  return help;
}

std::string NounHelp(const std::vector<Verb>& verbs, const std::string& noun) {
  std::string help = absl::StrCat("Usage: weir ", noun, " VERB ...\n\n");
  for (const Verb& verb : verbs) {
    if (absl::StartsWith(verb.name, absl::StrCat(noun, " "))) absl::StrAppend(&help, Line(verb));
  }
  return help;
}

std::string VerbHelp(const Verb& verb) {
  std::string help = absl::StrCat(verb.summary, "\n\nUsage: weir ", verb.name);
  if (!verb.positionals.empty()) absl::StrAppend(&help, " ", verb.positionals);
  absl::StrAppend(&help, " [FLAGS]", verb.takes_job_arguments ? " [-- JOB_ARGUMENTS]" : "", "\n");
  if (!verb.flags.empty()) absl::StrAppend(&help, "\n", FlagsHelp(verb.flags));
  absl::StrAppend(&help, "\nCommon flags:\n", FlagsHelp(CommonFlags(verb)));
  const std::vector<FlagSpec> job_flags = JobFlags(verb);
  if (!job_flags.empty()) {
    absl::StrAppend(&help, "\nOptions of the job:\n", FlagsHelp(job_flags));
  }
  return help;
}

}  // namespace weir::cli
