#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/metrics/metric.h"

/// Every metric of Weir's processes; metric_catalogue.cc arranges them into sections. The names are
/// a public interface.
namespace weir::metrics {

// Every process with an HTTP port.
inline constexpr Metric kBuildInfo = GaugeMetric(
    "weir_build_info", "Always 1; the labels say what was built.", "version, commit, build_type");
inline constexpr Metric kProcessCpu =
    CounterMetric("process_cpu_seconds_total", "User and system CPU time of this process.");
inline constexpr Metric kProcessResident =
    GaugeMetric("process_resident_memory_bytes", "Memory of this process that is in RAM.");
inline constexpr Metric kProcessVirtual =
    GaugeMetric("process_virtual_memory_bytes", "Address space of this process.");
inline constexpr Metric kProcessOpenFds =
    GaugeMetric("process_open_fds", "Open file descriptors of this process.");
inline constexpr Metric kProcessMaxFds =
    GaugeMetric("process_max_fds", "Limit of open file descriptors of this process.");
inline constexpr Metric kProcessStart = GaugeMetric(
    "process_start_time_seconds", "When this process was started, in seconds of Unix time.");
inline constexpr Metric kTlsCertificateExpiry =
    GaugeMetric("weir_tls_certificate_expiry_timestamp_seconds",
                "When the TLS certificate of this process that is in use expires, in seconds of "
                "Unix time; not there without TLS.");

// JobManager.
inline constexpr Metric kLeader =
    GaugeMetric("weir_leader", "1 when this JobManager leads, 0 when it stands by.");
inline constexpr Metric kLeaderTerm =
    GaugeMetric("weir_leader_term", "Term under which this JobManager leads.");
inline constexpr Metric kStorageRequestDuration = HistogramMetric(
    "weir_storage_request_duration_seconds",
    "Duration of this JobManager's requests to checkpoint storage; an entry of a log is a create.",
    "operation, result");
inline constexpr Metric kClusterTaskManagers =
    GaugeMetric("weir_cluster_taskmanagers", "TaskManagers the leader knows of.", "state");
inline constexpr Metric kClusterSlots =
    GaugeMetric("weir_cluster_slots", "Task slots of registered TaskManagers.", "state");
inline constexpr Metric kClusterJobs = GaugeMetric(
    "weir_cluster_jobs", "Jobs of the cluster, those that have ended included.", "state");

// JobManager, for each job that has not ended.
inline constexpr Metric kJobState =
    GaugeMetric("weir_job_state", "1 for the state the job is in.", "state");
inline constexpr Metric kJobUptime = GaugeMetric(
    "weir_job_uptime_seconds", "Time since the job's tasks all run; 0 while they do not.");
inline constexpr Metric kJobRestarts =
    CounterMetric("weir_job_restarts_total", "Restarts of the job's execution since submission.");
inline constexpr Metric kJobGeneration =
    GaugeMetric("weir_job_generation", "Number of the newest start of the job's execution.");
inline constexpr Metric kJobWorkers =
    GaugeMetric("weir_job_workers", "Worker processes of the job, as far as the leader knows.");
inline constexpr Metric kCheckpoints =
    CounterMetric("weir_checkpoints_total", "Checkpoints that ended under this leader.", "result");
inline constexpr Metric kCheckpointsInProgress =
    GaugeMetric("weir_checkpoints_in_progress", "Checkpoints under way.");
inline constexpr Metric kCheckpointDuration = HistogramMetric(
    "weir_checkpoint_duration_seconds",
    "Time from the trigger to the entry in the log, of checkpoints that completed.");
inline constexpr Metric kCheckpointSize =
    GaugeMetric("weir_checkpoint_size_bytes", "State in the newest completed checkpoint.");
inline constexpr Metric kCheckpointLastId =
    GaugeMetric("weir_checkpoint_last_id", "Epoch of the newest completed checkpoint.");
inline constexpr Metric kCheckpointLastCompleted =
    GaugeMetric("weir_checkpoint_last_completed_timestamp_seconds",
                "When the newest checkpoint completed, in seconds of Unix time.");
inline constexpr Metric kCheckpointLastAge =
    GaugeMetric("weir_checkpoint_last_completed_age_seconds",
                "Time since the newest checkpoint completed, over all leaders.");

// TaskManager.
inline constexpr Metric kTaskManagerRegistered = GaugeMetric(
    "weir_taskmanager_registered", "1 when this TaskManager is registered at a leader.");
inline constexpr Metric kTaskManagerSlots =
    GaugeMetric("weir_taskmanager_slots", "Task slots this TaskManager offers.");
inline constexpr Metric kTaskManagerWorkers =
    GaugeMetric("weir_taskmanager_workers", "Worker processes of this TaskManager.", "state");
inline constexpr Metric kTaskManagerWorkerExits = CounterMetric(
    "weir_taskmanager_worker_exits_total", "Worker processes of this TaskManager that ended.");

// Worker, shown by its TaskManager.
inline constexpr Metric kWorkerMetricsAge =
    GaugeMetric("weir_worker_metrics_age_seconds", "Time since the worker last sent its metrics.");
inline constexpr Metric kWorkerGeneration = GaugeMetric(
    "weir_worker_generation", "Start of the job's execution that the worker runs; 0 is none.");
inline constexpr Metric kWorkerCpu =
    CounterMetric("weir_worker_cpu_seconds_total", "User and system CPU time of the worker.");
inline constexpr Metric kWorkerResident =
    GaugeMetric("weir_worker_resident_memory_bytes", "Memory of the worker that is in RAM.");
inline constexpr Metric kWorkerOpenFds =
    GaugeMetric("weir_worker_open_fds", "Open file descriptors of the worker.");
inline constexpr Metric kWorkerStart = GaugeMetric(
    "weir_worker_start_time_seconds", "When the worker was started, in seconds of Unix time.");
inline constexpr Metric kExchangeBytesSent = CounterMetric(
    "weir_exchange_bytes_sent_total", "Bytes of records and barriers sent to other workers.");
inline constexpr Metric kExchangeBytesReceived = CounterMetric(
    "weir_exchange_bytes_received_total", "Bytes of the same that came from other workers.");
inline constexpr Metric kExchangeFramesSent =
    CounterMetric("weir_exchange_frames_sent_total", "Batches, barriers and the like sent.");
inline constexpr Metric kExchangeFramesReceived = CounterMetric(
    "weir_exchange_frames_received_total", "Batches, barriers and the like that came.");
inline constexpr Metric kExchangeStaleFrames = CounterMetric(
    "weir_exchange_stale_frames_total",
    "Frames that were dropped, since they were of an older generation of the job or worker.");
inline constexpr Metric kExchangeMemoryGranted = GaugeMetric(
    "weir_exchange_memory_granted_bytes",
    "What other workers may send, and what they have sent and no task has taken; at most "
    "exchange.memory.");
inline constexpr Metric kExchangeMemoryUsed = GaugeMetric(
    "weir_exchange_memory_used_bytes", "What other workers have sent and no task has taken.");

// Task.
inline constexpr Metric kTaskRecordsIn =
    CounterMetric("weir_task_records_in_total", "Records that came into the task.");
inline constexpr Metric kTaskRecordsOut =
    CounterMetric("weir_task_records_out_total", "Records that left the task by sinks and queues.");
inline constexpr Metric kTaskBytesIn = CounterMetric(
    "weir_task_bytes_in_total", "Bytes of the records that came in, as they lie in memory.");
inline constexpr Metric kTaskBytesOut = CounterMetric(
    "weir_task_bytes_out_total", "Bytes of the records that left, as they lie in memory.");
inline constexpr Metric kTaskBusy = CounterMetric(
    "weir_task_busy_seconds_total", "Time in which the task worked or waited for its slot's turn.");
inline constexpr Metric kTaskBackpressured =
    CounterMetric("weir_task_backpressured_seconds_total",
                  "Time in which the task waited for room in an output.");
inline constexpr Metric kTaskIdle =
    CounterMetric("weir_task_idle_seconds_total", "Time in which the task had nothing to do.");
inline constexpr Metric kTaskStalled = GaugeMetric(
    "weir_task_stalled_seconds",
    "For how long a step of the task has been running, while that is beyond task.stall-timeout.");
inline constexpr Metric kTaskSplits =
    GaugeMetric("weir_task_splits", "Splits (Kafka partitions) the source task reads.");

// Operator.
inline constexpr Metric kOperatorRecordsIn =
    CounterMetric("weir_operator_records_in_total", "Records that came into the operator.");
inline constexpr Metric kOperatorRecordsOut =
    CounterMetric("weir_operator_records_out_total", "Records that left the operator.");
inline constexpr Metric kOperatorRecordsFiltered =
    CounterMetric("weir_operator_records_filtered_total",
                  "Records that the operator's function did not want (Filter).");
inline constexpr Metric kOperatorRecordsLate = CounterMetric(
    "weir_operator_records_late_total", "Records that came too late for all their windows.");
inline constexpr Metric kOperatorRecordsSkipped = CounterMetric(
    "weir_operator_records_skipped_total", "Records that the operator's error policy left out.");
inline constexpr Metric kOperatorRecordsDeadLettered =
    CounterMetric("weir_operator_records_dead_lettered_total",
                  "Records that the operator's error policy sent to the dead letters.");
inline constexpr Metric kOperatorRecordsUnaccounted =
    GaugeMetric("weir_operator_records_unaccounted",
                "Records in that are neither out nor one of the above, as of the last barrier, of "
                "operators with one row out per row in; not 0 is a bug.");
inline constexpr Metric kOperatorWatermark =
    GaugeMetric("weir_operator_watermark_timestamp_seconds",
                "Event time the first operator of a task has reached, in seconds of Unix time.");
inline constexpr Metric kOperatorWatermarkLag =
    GaugeMetric("weir_operator_watermark_lag_seconds",
                "How far that event time is behind the clock when the worker sent it.");
inline constexpr Metric kSourcePendingRecords = GaugeMetric(
    "weir_source_pending_records",
    "Offsets between what the source has read and the partition's end, as of the last fetch.",
    "split");
inline constexpr Metric kSinkPendingAge =
    GaugeMetric("weir_sink_oldest_pending_transaction_age_seconds",
                "Age of the oldest transaction that is not committed; 0 is none.");
inline constexpr Metric kSinkPendingRatio =
    GaugeMetric("weir_sink_oldest_pending_transaction_timeout_ratio",
                "That age as a share of the timeout; at 1 the brokers abort the transaction.");
inline constexpr Metric kSinkTimeout = GaugeMetric(
    "weir_sink_transaction_timeout_seconds", "Timeout of transactions the brokers agreed to.");
inline constexpr Metric kSinkCommitted =
    CounterMetric("weir_sink_committed_transactions_total", "Transactions committed.");
inline constexpr Metric kSinkLastCommit =
    GaugeMetric("weir_sink_last_commit_duration_seconds",
                "Time from the last permit to the end of its commit.");
inline constexpr Metric kSinkMaxCommit =
    GaugeMetric("weir_sink_max_commit_duration_seconds",
                "Longest time from a permit to the end of its commit.");
inline constexpr Metric kSinkTransactionSlots =
    GaugeMetric("weir_sink_transaction_slots", "Transactional ids of the task.", "state");
inline constexpr Metric kSinkReplays = CounterMetric(
    "weir_sink_replays_total",
    "Transactions whose aborted records were published again before this generation.");
inline constexpr Metric kSinkReplayedRecords = CounterMetric(
    "weir_sink_replayed_records_total", "Records published again before this generation.");

}  // namespace weir::metrics

namespace weir {

struct MetricSection {
  absl::string_view title;
  absl::string_view doc;
  absl::string_view labels;  // of every metric in it
  std::vector<const Metric*> metrics;
};

/// All metrics, in sections.
const std::vector<MetricSection>& MetricCatalogue();
/// Of any section; null when there is none of that name.
const Metric* FindMetric(absl::string_view name);

/// docs/metrics.md.
std::string MetricsMarkdown();

}  // namespace weir
