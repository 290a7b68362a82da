#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "client/cli/flags.h"
#include "client/cluster_client.h"
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
  bool json = false;
  std::ostream& out;
  std::ostream& error;  // notes beside the answer
};

/// One verb of `weir`, in a file of its own.
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
  /// Instead of `run`, of a verb that asks no cluster and has no common flag but --help.
  std::function<absl::Status(const ParsedFlags&, std::ostream& out)> run_alone = {};
};

Verb NewVerb();
Verb SubmitVerb();
Verb PlanVerb();
Verb ListVerb();
Verb DescribeVerb();
Verb WatchVerb();
Verb CancelVerb();
Verb StopVerb();
Verb ResumeVerb();
Verb CheckpointsVerb();
Verb TransactionsVerb();
Verb ClusterVerb();

/// For verbs that take a BINARY: a file that is missing or no Weir job is the user's mistake.
absl::Status CheckBinaryArgument(const ParsedFlags& flags);

/// Options of a job's scope among the flags.
std::map<std::string, std::string> JobOptionsOf(const ParsedFlags& flags);

/// With --wait until the job is in one of these states; then prints its state.
absl::Status PrintState(VerbContext& context, const std::string& job,
                        const std::set<std::string>& awaited);

/// For cancel and stop: as PrintState, of the last states.
absl::Status FinishStopping(VerbContext& context, const std::string& job);

}  // namespace weir::cli
