#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "client/cluster_client.h"
#include "common/base/random.h"
#include "common/time/clock.h"

namespace weir {

struct JobSubmission {
  std::string binary;  // path
  std::vector<std::string> arguments;
  std::string name;                                  // empty: the graph's
  std::map<std::string, std::string> configuration;  // options of the job's scope
  bool take_over = false;  // its sinks may take what another job holds outside
  std::string from = {};   // a checkpoint of another job: "JOB" or "JOB/EPOCH"
  bool allow_non_restored = false;
};

/// Uploads the binary if need be and submits the job; returns its id. The cluster has it durably
/// then, whatever its state.
absl::StatusOr<std::string> Submit(ClusterClient& client, Random& random,
                                   const JobSubmission& submission);

/// What waiting needs of the world; replaced in tests.
struct WaitOptions {
  const Clock* clock = nullptr;
  std::function<void(absl::Duration)> pause;
  absl::Duration timeout = absl::Seconds(60);
  absl::Duration poll_interval = absl::Milliseconds(50);
  /// Is told each new state that is not yet the awaited one; may be empty.
  std::function<void(const proto::JobSummary&)> on_state = {};
};

/// FINISHED, CANCELED, FAILED: no other state follows.
bool IsTerminalJobState(const std::string& state);

/// Asks until the job is in one of `states`, and returns its description then. ABORTED with the
/// job's reason when it reaches a terminal state or SUSPENDED instead, so that those never come;
/// DEADLINE_EXCEEDED naming the state it is in.
absl::StatusOr<proto::JobDetails> WaitForState(ClusterClient& client, const std::string& job,
                                               const std::set<std::string>& states,
                                               const WaitOptions& options);

/// As WaitForState for RUNNING or FINISHED, and gives up at the first failure: ABORTED with its
/// reason as soon as the job has been restarted.
absl::StatusOr<proto::JobDetails> WaitForStart(ClusterClient& client, const std::string& job,
                                               const WaitOptions& options);

}  // namespace weir
