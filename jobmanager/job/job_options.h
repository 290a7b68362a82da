#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/config/config.h"
#include "jobmanager/checkpoint/checkpoint_options.h"
#include "jobmanager/scheduler/restart_policy.h"
#include "jobmanager/scheduler/worker_memory.h"
#include "proto/job_graph.pb.h"

namespace weir::jobmanager {

/// The options of one job: the cluster's, overlaid with what was given at submit.
struct JobOptions {
  CheckpointOptions checkpoint;
  RestartOptions restart;
  absl::Duration worker_timeout = absl::Seconds(30);  // silence of a worker that is connected
  absl::Duration stall_timeout = absl::Seconds(10);
  std::string state_backend;
  MemoryWish memory;
};

/// INVALID_ARGUMENT, one sentence, for keys that are unknown or are not for jobs, and bad values.
absl::StatusOr<JobOptions> MakeJobOptions(const Config& cluster,
                                          const std::map<std::string, std::string>& submitted);

/// INVALID_ARGUMENT, naming sink and both values: a transaction lives for a checkpoint interval and
/// the commit behind it, so the interval may be at most half of each sink's transaction timeout.
absl::Status CheckTransactionTimeouts(const JobOptions& options, const proto::JobGraph& graph);

}  // namespace weir::jobmanager
