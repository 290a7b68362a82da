#include "jobmanager/job/job_options.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/config/options.h"

namespace weir::jobmanager {
namespace {

RestartOptions MakeRestartOptions(const Config& config) {
  RestartOptions restart;
  const std::string strategy = config.Get(options::kRestartStrategy);
  using Strategy = RestartOptions::Strategy;
  restart.strategy = strategy == "fixed-delay"    ? Strategy::kFixedDelay
                     : strategy == "failure-rate" ? Strategy::kFailureRate
                     : strategy == "none"         ? Strategy::kNone
                                                  : Strategy::kExponentialDelay;
  restart.initial_backoff = config.Get(options::kRestartInitialBackoff);
  restart.max_backoff = config.Get(options::kRestartMaxBackoff);
  restart.multiplier = config.Get(options::kRestartMultiplier);
  restart.reset_threshold = config.Get(options::kRestartResetThreshold);
  restart.jitter = config.Get(options::kRestartJitter);
  restart.fixed_attempts = config.Get(options::kRestartFixedAttempts);
  restart.fixed_delay = config.Get(options::kRestartFixedDelay);
  restart.max_failures_per_interval = config.Get(options::kRestartMaxFailuresPerInterval);
  restart.failure_rate_interval = config.Get(options::kRestartFailureRateInterval);
  restart.failure_rate_delay = config.Get(options::kRestartFailureRateDelay);
  return restart;
}

}  // namespace

absl::StatusOr<JobOptions> MakeJobOptions(const Config& cluster,
                                          const std::map<std::string, std::string>& submitted) {
  WEIR_ASSIGN_OR_RETURN(const Config config, cluster.WithJobOptions(submitted));
  JobOptions result;
  CheckpointOptions& checkpoint = result.checkpoint;
  checkpoint.interval = config.Get(options::kCheckpointInterval);
  checkpoint.timeout = config.Get(options::kCheckpointTimeout);
  checkpoint.min_pause = config.Get(options::kCheckpointMinPause);
  checkpoint.retained = static_cast<uint64_t>(config.Get(options::kCheckpointRetained));
  const std::string retention = config.Get(options::kCheckpointRetention);
  checkpoint.retention =
      retention == "retain-on-cancellation"        ? CheckpointRetention::kRetainOnCancellation
      : retention == "no-externalized-checkpoints" ? CheckpointRetention::kNever
                                                   : CheckpointRetention::kDeleteOnCancellation;
  checkpoint.inline_state_max_bytes = config.Get(options::kCheckpointInlineStateMax).bytes;
  const int64_t tolerable = config.Get(options::kCheckpointTolerableFailures);
  if (tolerable >= 0) checkpoint.tolerable_failures = static_cast<uint64_t>(tolerable);
  result.restart = MakeRestartOptions(config);
  result.worker_timeout = config.Get(options::kHeartbeatWorkerTimeout);
  result.stall_timeout = config.Get(options::kTaskStallTimeout);
  result.state_backend = config.Get(options::kStateBackend);
  result.memory.state_bytes = config.Get(options::kStateMemory).bytes;
  result.memory.state_is_set = config.IsSet(options::kStateMemory.spec());
  result.memory.exchange_bytes = config.Get(options::kExchangeMemory).bytes;
  result.memory.exchange_is_set = config.IsSet(options::kExchangeMemory.spec());
  return result;
}

absl::Status CheckTransactionTimeouts(const JobOptions& options, const proto::JobGraph& graph) {
  const absl::Duration interval = options.checkpoint.interval;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      const absl::Duration timeout = absl::Milliseconds(one.transaction_timeout_ms());
      if (timeout == absl::ZeroDuration() || interval <= timeout / 2) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("checkpoint.interval is ", FormatOptionDuration(interval),
                       ", and may be at most half of the transaction timeout of sink '", one.name(),
                       "', which is ", FormatOptionDuration(timeout)));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir::jobmanager
