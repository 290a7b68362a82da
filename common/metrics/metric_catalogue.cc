#include "common/metrics/metric_catalogue.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace weir {
namespace {

void AppendSection(std::string* out, const MetricSection& section) {
  absl::StrAppend(out, "\n## ", section.title, "\n\n", section.doc);
  if (!section.labels.empty()) {
    absl::StrAppend(out, " Labels: `", absl::StrReplaceAll(section.labels, {{", ", "`, `"}}), "`.");
  }
  absl::StrAppend(out, "\n\n| metric | type | more labels | meaning |\n|---|---|---|---|\n");
  for (const Metric* metric : section.metrics) {
    absl::StrAppend(
        out, "| `", metric->name, "` | ", MetricTypeName(metric->type), " | ",
        metric->labels.empty()
            ? std::string()
            : absl::StrCat("`", absl::StrReplaceAll(metric->labels, {{", ", "`, `"}}), "`"),
        " | ", metric->help, " |\n");
  }
}

}  // namespace

absl::string_view MetricTypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
  }
  return "untyped";
}

const std::vector<MetricSection>& MetricCatalogue() {
  using namespace metrics;  // NOLINT: the names below, and only here
  static const auto& catalogue = *new std::vector<MetricSection>{
      {"Every process",
       "Of the JobManager or TaskManager that is asked.",
       "",
       {&kBuildInfo, &kProcessCpu, &kProcessResident, &kProcessVirtual, &kProcessOpenFds,
        &kProcessMaxFds, &kProcessStart, &kTlsCertificateExpiry}},
      {"JobManager",
       "A standby shows the first and the third. `state` is `registered` or `suspect` of "
       "TaskManagers, `free` or `used` of slots, and of jobs as `weir list` shows it. `result` is "
       "`ok` or `error`.",
       "",
       {&kLeader, &kLeaderTerm, &kStorageRequestDuration, &kClusterTaskManagers, &kClusterSlots,
        &kClusterJobs}},
      {"Jobs",
       "At the leader, for each job that has not ended. `result` is `completed` or `failed`.",
       "job_id, job_name",
       {&kJobState, &kJobUptime, &kJobRestarts, &kJobGeneration, &kJobWorkers, &kCheckpoints,
        &kCheckpointsInProgress, &kCheckpointDuration, &kCheckpointSize, &kCheckpointLastId,
        &kCheckpointLastCompleted, &kCheckpointLastAge}},
      {"TaskManager",
       "`state` is `starting` or `connected`.",
       "",
       {&kTaskManagerRegistered, &kTaskManagerSlots, &kTaskManagerWorkers,
        &kTaskManagerWorkerExits}},
      {"Workers",
       "At the worker's TaskManager, as the worker last sent them; they go with the worker.",
       "job_id, job_name, worker",
       {&kWorkerMetricsAge, &kWorkerGeneration, &kWorkerCpu, &kWorkerResident, &kWorkerOpenFds,
        &kWorkerStart, &kExchangeBytesSent, &kExchangeBytesReceived, &kExchangeFramesSent,
        &kExchangeFramesReceived, &kExchangeStaleFrames, &kExchangeMemoryGranted,
        &kExchangeMemoryUsed}},
      {"Tasks",
       "At the worker's TaskManager. They begin anew with each generation.",
       "job_id, job_name, worker, vertex, task, subtask",
       {&kTaskRecordsIn, &kTaskRecordsOut, &kTaskBytesIn, &kTaskBytesOut, &kTaskBusy,
        &kTaskBackpressured, &kTaskIdle, &kTaskStalled, &kTaskSplits}},
      {"Operators, sources and sinks",
       "At the worker's TaskManager. Those of replays come from a sink's committer, which has no "
       "task.",
       "job_id, job_name, worker, vertex, task, subtask, operator, operator_uid",
       {&kOperatorRecordsIn, &kOperatorRecordsOut, &kOperatorRecordsFiltered, &kOperatorRecordsLate,
        &kOperatorRecordsSkipped, &kOperatorRecordsDeadLettered, &kOperatorRecordsUnaccounted,
        &kOperatorWatermark, &kOperatorWatermarkLag, &kSourcePendingRecords, &kSinkPendingAge,
        &kSinkPendingRatio, &kSinkTimeout, &kSinkCommitted, &kSinkLastCommit, &kSinkMaxCommit,
        &kSinkTransactionSlots, &kSinkReplays, &kSinkReplayedRecords}},
  };
  return catalogue;
}

const Metric* FindMetric(absl::string_view name) {
  for (const MetricSection& section : MetricCatalogue()) {
    for (const Metric* metric : section.metrics) {
      if (metric->name == name) return metric;
    }
  }
  return nullptr;
}

std::string MetricsMarkdown() {
  std::string out =
      "# Metrics\n\nWhat `/metrics` of a JobManager and of a TaskManager shows, in Prometheus' "
      "text "
      "format. This file\nis written by `weir-metrics-docs` from "
      "`common/metrics/metric_catalogue.h`; "
      "a test compares. How to\nscrape: [operations](operations.md).\n";
  for (const MetricSection& section : MetricCatalogue()) AppendSection(&out, section);
  return out;
}

}  // namespace weir
