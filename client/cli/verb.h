#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "client/cli/cli.h"
#include "client/cli/flags.h"
#include "client/cluster_client.h"
#include "client/output/output.h"
#include "client/submit.h"
#include "common/base/random.h"

namespace weir::cli {

/// What a verb works with. Its errors go back as a status, from which cli.cc makes the sentence on
/// stderr and the exit code.
struct VerbContext {
  const ParsedFlags& flags;
  ClusterClient& client;
  Random& random;
  WaitOptions wait;  // with the verb's --timeout
  OutputStyle style;
  std::ostream& out;
  std::ostream& error;  // notes beside the answer

  template <class Answer>
  void Print(const Answer& answer) const {
    out << Rendered(answer, style);
  }
  /// The first positional, which is a job: id, name, or "job/<id>" as -o name prints it.
  std::string Job() const;
};

/// One verb of `weir`, in a file of its own. Jobs are what most verbs are about, so theirs have one
/// word ("stop"); all others begin with their noun ("checkpoint list").
struct Verb {
  std::string name;
  std::string summary;               // one line
  std::string positionals;           // for --help: "BINARY", "JOB", "JOB [ID]", ""
  std::vector<FlagSpec> flags = {};  // beside the common ones
  bool takes_job_arguments = false;  // "-- ARGS" may follow
  bool takes_job_options = false;    // --checkpoint.interval and the like
  absl::Duration default_timeout = absl::Seconds(30);
  /// What can be refused before the cluster is asked; may be empty.
  std::function<absl::Status(const ParsedFlags&)> check = {};
  std::function<absl::Status(VerbContext&)> run = {};
  /// Instead of `run`, of a verb that asks no cluster; its only common flags are --help and, if it
  /// prints objects, --output.
  std::function<absl::Status(const ParsedFlags&, CliEnvironment&)> run_alone = {};
  bool prints_objects = true;
};

Verb NewVerb();
Verb SubmitVerb();
Verb PlanVerb();
Verb ListVerb();
Verb DescribeVerb();
Verb WatchVerb();
Verb CancelVerb();
Verb StopVerb();
Verb SuspendVerb();
Verb ResumeVerb();
Verb RestartVerb();
Verb LogsVerb();
Verb CheckpointListVerb();
Verb CheckpointDescribeVerb();
Verb TransactionsListVerb();
Verb TransactionsExplainVerb();
Verb TransactionsAbortVerb();
Verb DeadLettersListVerb();
Verb DeadLettersShowVerb();
Verb DeadLettersReplayVerb();
Verb TaskManagerListVerb();
Verb ClusterDescribeVerb();
Verb ConfigListContextsVerb();
Verb ConfigCurrentContextVerb();
Verb ConfigUseContextVerb();
Verb ConfigSetContextVerb();
Verb ConfigDeleteContextVerb();
Verb ConfigViewVerb();
Verb LocalClusterStartVerb();
Verb LocalClusterStopVerb();
Verb LocalClusterStatusVerb();
Verb CompletionVerb();

/// All of them, in the order of --help.
std::vector<Verb> AllVerbs();

/// For verbs that take a BINARY: a file that is missing or no Weir job is the user's mistake.
absl::Status CheckBinaryArgument(const ParsedFlags& flags);

/// Options of a job's scope among the flags.
std::map<std::string, std::string> JobOptionsOf(const ParsedFlags& flags);

/// How answers are printed here, by --output, the terminal and NO_COLOR.
OutputStyle StyleOf(const ParsedFlags& flags, const CliEnvironment& environment);

}  // namespace weir::cli
