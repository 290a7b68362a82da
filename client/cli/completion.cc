#include "client/cli/completion.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "client/cli/client_options.h"
#include "client/cli/command_line.h"
#include "client/contexts/context_file.h"

namespace weir::cli {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(1);
constexpr absl::Duration kPatienceWithNobody = absl::Milliseconds(300);

struct Candidates {
  std::vector<std::pair<std::string, std::string>> texts;  // with descriptions
  bool files = false;

  void Add(std::string text, std::string description = "") {
    texts.emplace_back(std::move(text), std::move(description));
  }
};

void AddContexts(const CliEnvironment& environment, Candidates* candidates) {
  const absl::StatusOr<ContextFile> file = ReadContextFileOf(environment.variables);
  if (!file.ok()) return;
  for (const auto& [name, context] : file->contexts) candidates->Add(name);
}

proto::ListJobsResponse AskForJobs(const ParsedFlags& flags, const CliEnvironment& environment) {
  absl::StatusOr<ClusterClientOptions> options = ReadClientOptions(flags, environment);
  if (!options.ok()) return {};
  options->call_timeout = kPatience;
  options->unreachable_timeout = kPatienceWithNobody;
  const auto client = environment.make_client(*std::move(options));
  if (!client.ok()) return {};
  return (*client)->ListJobs().value_or(proto::ListJobsResponse());
}

// Only a job that has not ended can be acted on.
bool NeedsLiveJob(const Verb& verb) {
  return verb.name == "stop" || verb.name == "cancel" || verb.name == "suspend" ||
         verb.name == "resume" || verb.name == "restart" || verb.name == "watch";
}

// Names, as far as the cluster knows which job is meant by one; ids for who begins one.
void AddJobs(const Verb& verb, const ParsedFlags& flags, const std::string& current,
             const CliEnvironment& environment, Candidates* candidates) {
  const proto::ListJobsResponse jobs = AskForJobs(flags, environment);
  std::map<std::string, int> live;  // jobs by name
  for (const proto::JobSummary& job : jobs.jobs()) {
    if (!IsTerminalJobState(job.state())) ++live[job.name()];
  }
  std::set<std::string> offered;
  for (const proto::JobSummary& job : jobs.jobs()) {
    const bool ended = IsTerminalJobState(job.state());
    if (ended && NeedsLiveJob(verb)) continue;
    const bool by_id =
        live[job.name()] > 1 || (!current.empty() && absl::StartsWith(job.job(), current));
    if (by_id) {
      candidates->Add(job.job(), absl::StrCat(job.name(), ", ", job.state()));
    } else if ((!ended || live[job.name()] == 0) && offered.insert(job.name()).second) {
      candidates->Add(job.name(), job.state());
    }
  }
}

// By what --help calls the value: "table|json", "NAME", "<file>", "JOB".
void AddValues(const std::string& value_name, Candidates* candidates) {
  if (absl::StrContains(value_name, "|")) {
    for (absl::string_view choice : absl::StrSplit(value_name, '|')) {
      candidates->Add(std::string(choice));
    }
  }
  candidates->files = value_name == "<file>" || value_name == "<directory>" ||
                      value_name == "BINARY" || value_name == "DIRECTORY";
}

void AddFlagValues(const FlagSpec& flag, const CliEnvironment& environment,
                   Candidates* candidates) {
  if (flag.name == "context") return AddContexts(environment, candidates);
  AddValues(flag.value_name, candidates);
  candidates->files |= absl::EndsWith(flag.name, "-file");
}

const FlagSpec* FindFlag(const std::vector<FlagSpec>& flags, const std::string& text) {
  for (const FlagSpec& flag : flags) {
    const bool named = text == absl::StrCat("--", flag.name) ||
                       (!flag.short_name.empty() && text == absl::StrCat("-", flag.short_name));
    if (named) return &flag;
  }
  return nullptr;
}

void AddWords(const std::vector<Verb>& verbs, const std::string& noun, Candidates* candidates) {
  for (const Verb& verb : verbs) {
    const std::vector<std::string> words = absl::StrSplit(verb.name, absl::MaxSplits(' ', 1));
    if (!noun.empty()) {
      if (words[0] == noun && words.size() > 1) candidates->Add(words[1], verb.summary);
    } else if (words.size() == 1) {
      candidates->Add(verb.name, verb.summary);
    } else if (candidates->texts.empty() || candidates->texts.back().first != words[0]) {
      candidates->Add(words[0], absl::StrCat("verbs of ", words[0]));
    }
  }
}

void AddPositional(const Verb& verb, const ParsedFlags& flags, const std::string& current,
                   const CliEnvironment& environment, Candidates* candidates) {
  const std::vector<std::string> names = absl::StrSplit(verb.positionals, ' ', absl::SkipEmpty());
  if (flags.positionals.size() >= names.size()) return;
  const std::string& name = names[flags.positionals.size()];
  if (name == "JOB") return AddJobs(verb, flags, current, environment, candidates);
  if (name == "CONTEXT") return AddContexts(environment, candidates);
  AddValues(name, candidates);
}

// The verb that these words name, or one that has the flags of all.
Verb VerbOf(const std::vector<Verb>& verbs, const CommandWords& words) {
  const absl::StatusOr<const Verb*> found = FindVerb(verbs, words);
  return found.ok() ? **found : Verb();
}

Candidates CandidatesFor(const std::vector<Verb>& verbs, const std::vector<std::string>& done,
                         const std::string& current, const CliEnvironment& environment) {
  Candidates candidates;
  if (std::count(done.begin(), done.end(), "--") > 0) {
    candidates.files = true;  // an argument of the job
    return candidates;
  }
  const CommandWords words = SplitWords(verbs, done);
  const Verb verb = VerbOf(verbs, words);
  const std::vector<FlagSpec> flags = AllFlags(verb);
  const size_t equals = absl::StartsWith(current, "--") ? current.find('=') : std::string::npos;
  if (equals != std::string::npos) {
    const FlagSpec* flag = FindFlag(flags, current.substr(0, equals));
    if (flag != nullptr) AddFlagValues(*flag, environment, &candidates);
    for (auto& [text, description] : candidates.texts) {
      text = absl::StrCat(current.substr(0, equals + 1), text);
    }
    return candidates;
  }
  const FlagSpec* before = done.empty() ? nullptr : FindFlag(flags, done.back());
  if (before != nullptr && before->takes_value) {
    AddFlagValues(*before, environment, &candidates);
  } else if (absl::StartsWith(current, "-")) {
    for (const FlagSpec& flag : flags) candidates.Add(absl::StrCat("--", flag.name), flag.help);
  } else if (verb.name.empty()) {
    if (words.second.empty()) AddWords(verbs, words.first, &candidates);
  } else {
    const absl::StatusOr<ParsedFlags> parsed = ParseFlags(flags, words.arguments);
    if (parsed.ok()) AddPositional(verb, *parsed, current, environment, &candidates);
  }
  return candidates;
}

}  // namespace

void PrintCompletions(const std::vector<Verb>& verbs, std::vector<std::string> arguments,
                      CliEnvironment& environment) {
  if (!arguments.empty() && arguments[0] == "--") arguments.erase(arguments.begin());
  const std::string current = arguments.empty() ? "" : arguments.back();
  if (!arguments.empty()) arguments.pop_back();
  const Candidates candidates = CandidatesFor(verbs, arguments, current, environment);
  for (const auto& [text, description] : candidates.texts) {
    if (!absl::StartsWith(text, current)) continue;
    environment.out << text << (description.empty() ? "" : "\t") << description << "\n";
  }
  if (candidates.files) environment.out << ":files\n";
}

}  // namespace weir::cli
