#include "client/cli/cli.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "client/cli/verb.h"
#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "common/base/version.h"
#include "common/config/bind_address.h"
#include "common/config/config.h"
#include "common/config/config_loader.h"
#include "common/config/options.h"
#include "common/net/security_options.h"

namespace weir::cli {
namespace {

std::vector<Verb> AllVerbs() {
  return {NewVerb(),      SubmitVerb(),      PlanVerb(),         ListVerb(),
          DescribeVerb(), WatchVerb(),       CancelVerb(),       StopVerb(),
          ResumeVerb(),   CheckpointsVerb(), TransactionsVerb(), ClusterVerb()};
}

// Options of a process that a client has a use for.
std::vector<OptionSpec> ClientOptions() {
  return {options::kJobmanagerAddresses.spec(), options::kSecurityTokenFile.spec(),
          options::kSecurityTlsCaFile.spec(), options::kSecurityTlsCertificateFile.spec(),
          options::kSecurityTlsKeyFile.spec()};
}

FlagSpec FlagOf(const OptionSpec& option) {
  std::string doc(option.doc);
  doc = doc.substr(0, doc.find(". "));
  if (!absl::EndsWith(doc, ".")) doc += ".";
  return {std::string(option.key), "", true, absl::StrCat("<", OptionTypeName(option.type), ">"),
          std::move(doc)};
}

std::vector<FlagSpec> CommonFlags(const Verb& verb) {
  if (verb.run_alone) return {{"help", "h", false, "", "Show this."}};
  std::vector<FlagSpec> flags = {
      {"output", "o", true, "table|json", "How results are printed; table by default."},
      {"timeout", "t", true, "<duration>",
       absl::StrCat("Longest wait for the cluster; ", FormatOptionDuration(verb.default_timeout),
                    " by default.")},
      {"config", "", true, "<file>", "YAML file with options."},
      {"help", "h", false, "", "Show this."}};
  for (const OptionSpec& option : ClientOptions()) flags.push_back(FlagOf(option));
  return flags;
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

std::string GeneralHelp(const std::vector<Verb>& verbs) {
  std::string help = "weir: the command line of a Weir cluster\n\nUsage: weir VERB ...\n\n";
  for (const Verb& verb : verbs) {
    absl::StrAppend(&help, absl::StrFormat("  %-12s %s\n", verb.name, verb.summary));
  }
  absl::StrAppend(&help,
                  "\n`weir VERB --help` tells more. Exit codes: 0 ok, 1 failed, 2 usage, "
                  "3 not found, 4 conflict,\n5 authentication, 6 unreachable, 7 timeout.\n");
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

absl::Status Annotated(const absl::Status& status, absl::string_view remark) {
  return absl::Status(status.code(), absl::StrCat(status.message(), " (", remark, ")"));
}

absl::StatusOr<ParsedFlags> ParseVerb(const Verb& verb, const std::vector<std::string>& arguments) {
  std::vector<FlagSpec> specs = verb.flags;
  for (const FlagSpec& flag : CommonFlags(verb)) specs.push_back(flag);
  for (const FlagSpec& flag : JobFlags(verb)) specs.push_back(flag);
  absl::StatusOr<ParsedFlags> parsed = ParseFlags(specs, arguments);
  const bool explained = absl::StrContains(parsed.status().message(), "did you mean");
  if (!parsed.ok() && verb.takes_job_arguments && !explained) {
    return Annotated(parsed.status(), "arguments of the job follow after --");
  }
  WEIR_RETURN_IF_ERROR(parsed.status());
  ParsedFlags flags = *std::move(parsed);
  if (flags.Has("help")) return flags;
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
  const std::string output = flags.Get("output", "table");
  if (output != "table" && output != "json") {
    return absl::InvalidArgumentError(
        absl::StrCat("--output is '", output, "'; table or json is expected"));
  }
  WEIR_RETURN_IF_ERROR(Config::FromValues(JobOptionsOf(flags)).status());
  if (verb.check) WEIR_RETURN_IF_ERROR(verb.check(flags));
  return flags;
}

// Files, environment and flags, as for every process of Weir.
absl::StatusOr<ClusterClientOptions> ReadClientOptions(const ParsedFlags& flags,
                                                       const CliEnvironment& environment) {
  ConfigLoader loader;
  const auto from_environment = environment.variables.find("WEIR_CONFIG");
  const std::string file = flags.Get(
      "config", from_environment == environment.variables.end() ? "" : from_environment->second);
  if (!file.empty()) WEIR_RETURN_IF_ERROR(loader.AddYamlFile(file));
  WEIR_RETURN_IF_ERROR(loader.AddEnvironment(environment.variables));
  std::vector<std::string> given;
  for (const OptionSpec& option : ClientOptions()) {
    const std::string key(option.key);
    if (flags.Has(key)) given.push_back(absl::StrCat("--", key, "=", flags.Get(key)));
  }
  WEIR_RETURN_IF_ERROR(loader.AddFlags(given).status());
  WEIR_ASSIGN_OR_RETURN(const Config config, loader.Build());
  ClusterClientOptions client;
  client.addresses = config.Get(options::kJobmanagerAddresses);
  for (const std::string& address : client.addresses) {
    WEIR_RETURN_IF_ERROR(CheckHostPort(options::kJobmanagerAddresses.key(), address, 1));
  }
  WEIR_ASSIGN_OR_RETURN(client.security, ReadSecurityOptions(config));
  return client;
}

absl::StatusOr<absl::Duration> ReadTimeout(const Verb& verb, const ParsedFlags& flags) {
  if (!flags.Has("timeout")) return verb.default_timeout;
  absl::StatusOr<absl::Duration> timeout = ParseOptionDuration(flags.Get("timeout"));
  if (timeout.ok() && *timeout > absl::ZeroDuration()) return timeout;
  return absl::InvalidArgumentError(absl::StrCat("--timeout is '", flags.Get("timeout"),
                                                 "'; a duration such as 30s is expected"));
}

absl::Status RunVerb(const Verb& verb, const ParsedFlags& flags, CliEnvironment& environment) {
  if (verb.run_alone) return verb.run_alone(flags, environment.out);
  WEIR_ASSIGN_OR_RETURN(const absl::Duration timeout, ReadTimeout(verb, flags));
  absl::StatusOr<ClusterClientOptions> client_options = ReadClientOptions(flags, environment);
  if (!client_options.ok()) return absl::InvalidArgumentError(client_options.status().message());
  client_options->call_timeout = timeout;
  client_options->unreachable_timeout = std::min(client_options->unreachable_timeout, timeout);
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<ClusterClient> client,
                        environment.make_client(*std::move(client_options)));
  VerbContext context{
      flags,           *client,          environment.random, {}, flags.Get("output") == "json",
      environment.out, environment.error};
  context.wait.clock = &environment.clock;
  context.wait.pause = environment.pause;
  context.wait.timeout = timeout;
  return verb.run(context);
}

// Flags of the form --key=value may stand before the verb, too.
std::vector<std::string> VerbFirst(const std::vector<std::string>& given) {
  const auto verb = std::find_if(given.begin(), given.end(), [](const std::string& argument) {
    return argument.rfind("--", 0) != 0 || argument.find('=') == std::string::npos;
  });
  if (verb == given.end()) return given;
  std::vector<std::string> arguments = {*verb};
  arguments.insert(arguments.end(), given.begin(), verb);
  arguments.insert(arguments.end(), verb + 1, given.end());
  return arguments;
}

}  // namespace

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
  const std::vector<std::string> arguments = VerbFirst(given);
  const std::string name = arguments.empty() ? "" : arguments[0];
  if (name == "help" || name == "--help" || name == "-h") {
    environment.out << GeneralHelp(verbs);
    return kOk;
  }
  if (name == "--version") {
    environment.out << "weir " << kVersion << "\n";
    return kOk;
  }
  if (name.empty()) {
    environment.error << "weir: no verb is given\n\n" << GeneralHelp(verbs);
    return kUsage;
  }
  const auto verb = std::find_if(verbs.begin(), verbs.end(),
                                 [&name](const Verb& each) { return each.name == name; });
  if (verb == verbs.end()) {
    std::vector<std::string> names;
    for (const Verb& each : verbs) names.push_back(each.name);
    environment.error << "weir: unknown verb '" << name << "'" << DidYouMean(name, names)
                      << " (weir --help lists all)\n";
    return kUsage;
  }
  const absl::StatusOr<ParsedFlags> flags =
      ParseVerb(*verb, std::vector<std::string>(arguments.begin() + 1, arguments.end()));
  if (flags.ok() && flags->Has("help")) {
    environment.out << VerbHelp(*verb);
    return kOk;
  }
  const absl::Status status = flags.ok() ? RunVerb(*verb, *flags, environment) : flags.status();
  if (!status.ok()) environment.error << "weir: " << status.message() << "\n";
  return ExitCodeOf(status);
}

}  // namespace weir::cli
