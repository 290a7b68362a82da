#include "client/cli/cli.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "client/cli/client_options.h"
#include "client/cli/command_line.h"
#include "client/cli/completion.h"
#include "client/cli/verb.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"

namespace weir::cli {
namespace {

absl::StatusOr<absl::Duration> ReadTimeout(const Verb& verb, const ParsedFlags& flags) {
  if (!flags.Has("timeout")) return verb.default_timeout;
  absl::StatusOr<absl::Duration> timeout = ParseOptionDuration(flags.Get("timeout"));
  if (timeout.ok() && *timeout > absl::ZeroDuration()) return timeout;
  return absl::InvalidArgumentError(absl::StrCat("--timeout is '", flags.Get("timeout"),
                                                 "'; a duration such as 30s is expected"));
}

absl::Status RunVerb(const Verb& verb, const ParsedFlags& flags, CliEnvironment& environment) {
  if (verb.run_alone) return verb.run_alone(flags, environment);
  WEIR_ASSIGN_OR_RETURN(const absl::Duration timeout, ReadTimeout(verb, flags));
  WEIR_ASSIGN_OR_RETURN(ClusterClientOptions client_options, ReadClientOptions(flags, environment));
  client_options.call_timeout = timeout;
  client_options.unreachable_timeout = std::min(client_options.unreachable_timeout, timeout);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ClusterClient> client,
                        environment.make_client(std::move(client_options)));
  VerbContext context{
      flags,           *client,          environment.random, {}, StyleOf(flags, environment),
      environment.out, environment.error};
  context.wait.clock = &environment.clock;
  context.wait.pause = environment.pause;
  context.wait.timeout = timeout;
  if (environment.error_is_terminal) {
    context.wait.on_state = [&environment](const proto::JobSummary& job) {
      environment.error << "waiting: job '" << job.name() << "' is " << job.state() << std::endl;
    };
  }
  return verb.run(context);
}

bool Contains(const std::vector<std::string>& arguments, const char* flag) {
  const auto end = std::find(arguments.begin(), arguments.end(), "--");
  return std::find(arguments.begin(), end, flag) != end;
}

bool AsksForHelp(const std::vector<std::string>& arguments) {
  return Contains(arguments, "--help") || Contains(arguments, "-h");
}

// Without a verb: help, the version, or a mistake.
ExitCode RunWithoutVerb(const std::vector<Verb>& verbs, const std::vector<std::string>& arguments,
                        CliEnvironment& environment) {
  if (AsksForHelp(arguments)) {
    environment.out << GeneralHelp(verbs);
    return kOk;
  }
  if (Contains(arguments, "--version")) {
    environment.out << "weir " << kVersion << "\n";
    return kOk;
  }
  environment.error << "weir: no verb is given\n\n" << GeneralHelp(verbs);
  return kUsage;
}

absl::Status Run(const std::vector<Verb>& verbs, const CommandWords& words,
                 CliEnvironment& environment) {
  if (words.second.empty() && IsNoun(verbs, words.first) && AsksForHelp(words.arguments)) {
    environment.out << NounHelp(verbs, words.first);
    return absl::OkStatus();
  }
  WEIR_ASSIGN_OR_RETURN(const Verb* verb, FindVerb(verbs, words));
  WEIR_ASSIGN_OR_RETURN(const ParsedFlags flags, ParseVerb(*verb, words.arguments));
  if (!flags.Has("help")) return RunVerb(*verb, flags, environment);
  environment.out << VerbHelp(*verb);
  return absl::OkStatus();
}

}  // namespace

std::string VerbContext::Job() const {
  constexpr char kNamePrefix[] = "job/";
  const std::string& given = flags.positionals[0];
  return absl::StartsWith(given, kNamePrefix) ? given.substr(sizeof(kNamePrefix) - 1) : given;
}

OutputStyle StyleOf(const ParsedFlags& flags, const CliEnvironment& environment) {
  OutputStyle style;
  style.format = ParseOutputFormat(flags.Get("output", "table")).value_or(OutputFormat::kTable);
  // https://no-color.org: any value but the empty one.
  const auto no_color = environment.variables.find("NO_COLOR");
  const auto terminal = environment.variables.find("TERM");
  style.colours = environment.out_is_terminal &&
                  (no_color == environment.variables.end() || no_color->second.empty()) &&
                  (terminal == environment.variables.end() || terminal->second != "dumb");
  return style;
}

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
      return kUsage;
    case absl::StatusCode::kNotFound:
      return kNotFound;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return kConflict;
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return kAuthentication;
    case absl::StatusCode::kUnavailable:
      return kUnreachable;
    case absl::StatusCode::kDeadlineExceeded:
      return kTimeout;
    default:
      return kFailed;
  }
}

ExitCode RunCli(const std::vector<std::string>& given, CliEnvironment& environment) {
  const std::vector<Verb> verbs = AllVerbs();
  if (!given.empty() && given[0] == kCompleteVerb) {
    PrintCompletions(verbs, std::vector<std::string>(given.begin() + 1, given.end()), environment);
    return kOk;
  }
  CommandWords words = SplitWords(verbs, given);
  if (words.first == "help") {  // `weir help stop` is `weir stop --help`
    words = SplitWords(verbs, words.arguments);
    words.arguments = {"--help"};
  }
  if (words.first.empty()) return RunWithoutVerb(verbs, words.arguments, environment);
  const absl::Status status = Run(verbs, words, environment);
  if (!status.ok()) environment.error << "weir: " << status.message() << "\n";
  return ExitCodeOf(status);
}

}  // namespace weir::cli
