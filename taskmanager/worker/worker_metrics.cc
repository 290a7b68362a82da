#include "taskmanager/worker/worker_metrics.h"

#include <memory>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "common/metrics/metric_catalogue.h"

namespace weir::taskmanager {
namespace {

using Labels = std::map<std::string, std::string>;

proto::MetricSet* AddSet(const Labels& labels, proto::WorkerMetrics* metrics) {
  proto::MetricSet* set = metrics->add_sets();
  set->mutable_labels()->insert(labels.begin(), labels.end());
  return set;
}

void Set(const Metric& metric, double value, proto::MetricSet* set) {
  (*set->mutable_values())[std::string(metric.name)] = value;
}

double Number(const std::atomic<uint64_t>& counter) {
  return static_cast<double>(counter.load(std::memory_order_relaxed));
}

Labels WithOperator(Labels labels, const std::string& name, const std::string& uid) {
  labels["operator"] = name;
  labels["operator_uid"] = uid;
  return labels;
}

// What sinks call their numbers (docs/operations.md), and what Prometheus' users expect.
struct SinkNumber {
  absl::string_view name;
  const Metric* metric;
  double scale;
};
constexpr double kMillis = 1e-3;
constexpr SinkNumber kSinkNumbers[] = {
    {"oldestPendingTransactionAgeMs", &metrics::kSinkPendingAge, kMillis},
    {"oldestPendingTransactionTimeoutRatio", &metrics::kSinkPendingRatio, 1},
    {"transactionTimeoutMs", &metrics::kSinkTimeout, kMillis},
    {"committedTransactions", &metrics::kSinkCommitted, 1},
    {"lastCommitLatencyMs", &metrics::kSinkLastCommit, kMillis},
    {"maxCommitLatencyMs", &metrics::kSinkMaxCommit, kMillis},
    {"replays", &metrics::kSinkReplays, 1},
    {"replayedRecords", &metrics::kSinkReplayedRecords, 1},
};

template <class Values>
void AddSinkNumbers(const Values& values, const Labels& labels, proto::WorkerMetrics* metrics) {
  proto::MetricSet* set = AddSet(labels, metrics);
  for (const auto& [name, value] : values) {
    for (const SinkNumber& number : kSinkNumbers) {
      if (number.name == name) Set(*number.metric, value * number.scale, set);
    }
    absl::string_view state = name;
    if (!absl::ConsumePrefix(&state, "transactionSlots")) continue;
    Labels with_state = labels;
    with_state["state"] = absl::AsciiStrToLower(state);
    Set(metrics::kSinkTransactionSlots, value, AddSet(with_state, metrics));
  }
}

proto::MetricSet* AddOperator(const ChainStage& stage, const Labels& task,
                              proto::WorkerMetrics* metrics) {
  proto::MetricSet* set =
      AddSet(WithOperator(task, stage.identity().name, stage.identity().uid), metrics);
  Set(metrics::kOperatorRecordsIn, Number(stage.counters().records_in), set);
  Set(metrics::kOperatorRecordsOut, Number(stage.counters().records_out), set);
  return set;
}

// Of sources and operators: sinks have none of these.
void AddBooks(const OperatorCounters& counters, proto::MetricSet* set) {
  Set(metrics::kOperatorRecordsFiltered, Number(counters.filtered), set);
  Set(metrics::kOperatorRecordsLate, Number(counters.late), set);
  Set(metrics::kOperatorRecordsSkipped, Number(counters.skipped), set);
  Set(metrics::kOperatorRecordsDeadLettered, Number(counters.dead_lettered), set);
  Set(metrics::kOperatorRecordsUnaccounted,
      static_cast<double>(counters.unaccounted.load(std::memory_order_relaxed)), set);
}

void AddHead(const Task& task, const Labels& labels, absl::Time now,
             proto::WorkerMetrics* metrics) {
  const Labels head = WithOperator(labels, task.head().name, task.head().uid);
  proto::MetricSet* set = AddSet(head, metrics);
  if (task.is_source()) {
    Set(metrics::kOperatorRecordsIn, Number(task.chain().head_counters().records_in), set);
    Set(metrics::kOperatorRecordsOut, Number(task.chain().head_counters().records_out), set);
    AddBooks(task.chain().head_counters(), set);
  }
  const std::optional<EventTime> watermark = task.watermark();
  if (watermark.has_value() && *watermark != EventTime::Max()) {
    const absl::Time time = absl::FromUnixMicros(watermark->micros());
    Set(metrics::kOperatorWatermark, absl::ToDoubleSeconds(time - absl::UnixEpoch()), set);
    Set(metrics::kOperatorWatermarkLag, absl::ToDoubleSeconds(now - time), set);
  }
  const std::shared_ptr<const SourceMetrics> source = task.source_metrics();
  if (source == nullptr) return;
  for (const auto& [split, pending] : source->PendingRecords()) {
    Labels with_split = head;
    with_split["split"] = split;
    Set(metrics::kSourcePendingRecords, static_cast<double>(pending), AddSet(with_split, metrics));
  }
}

}  // namespace

void AddTaskMetrics(const Task& task, const WorkerMetricsMoment& moment,
                    proto::WorkerMetrics* metrics) {
  const Labels labels = {{"vertex", absl::StrCat(task.subtask().vertex.value())},
                         {"task", task.name()},
                         {"subtask", absl::StrCat(task.subtask().index)}};
  proto::MetricSet* set = AddSet(labels, metrics);
  Set(metrics::kTaskRecordsIn, static_cast<double>(task.records_in()), set);
  Set(metrics::kTaskRecordsOut, static_cast<double>(task.records_out()), set);
  Set(metrics::kTaskBytesIn, static_cast<double>(task.bytes_in()), set);
  Set(metrics::kTaskBytesOut, static_cast<double>(task.bytes_out()), set);
  const TaskTimes::Totals times = task.times().At(moment.monotonic);
  Set(metrics::kTaskBusy, absl::ToDoubleSeconds(times.busy), set);
  Set(metrics::kTaskBackpressured, absl::ToDoubleSeconds(times.backpressured), set);
  Set(metrics::kTaskIdle, absl::ToDoubleSeconds(times.idle), set);
  if (task.is_source()) {
    Set(metrics::kTaskSplits, static_cast<double>(task.splits_owned()), set);
  }
  AddHead(task, labels, moment.now, metrics);
  for (const OperatorStage* stage : task.chain().operators()) {
    AddBooks(stage->counters(), AddOperator(*stage, labels, metrics));
  }
  for (const SinkStage* sink : task.chain().sinks()) {
    AddOperator(*sink, labels, metrics);
    const auto counts = task.sink_metrics().find(sink->identity().uid);
    if (counts == task.sink_metrics().end()) continue;
    AddSinkNumbers(counts->second->Read(),
                   WithOperator(labels, sink->identity().name, sink->identity().uid), metrics);
  }
}

void AddStallMetrics(const StalledStep& stall, proto::WorkerMetrics* metrics) {
  const Labels labels = {{"vertex", absl::StrCat(stall.subtask.vertex.value())},
                         {"task", stall.task_name},
                         {"subtask", absl::StrCat(stall.subtask.index)}};
  Set(metrics::kTaskStalled, absl::ToDoubleSeconds(stall.running_for), AddSet(labels, metrics));
}

void AddCommitterMetrics(const proto::SinkMetrics& committer, const StreamGraph& graph,
                         proto::WorkerMetrics* metrics) {
  const StreamNode* node = graph.Find(committer.sink_uid());
  AddSinkNumbers(committer.values(),
                 WithOperator({}, node == nullptr ? "" : node->name, committer.sink_uid()),
                 metrics);
}

void AddWorkerMetrics(Generation generation, proto::WorkerMetrics* metrics) {
  Set(metrics::kWorkerGeneration, static_cast<double>(generation.value()), AddSet({}, metrics));
}

void AddExchangeMetrics(const ExchangeEndpoint& exchange, proto::WorkerMetrics* metrics) {
  const CreditPool* credits = exchange.credits();
  if (credits == nullptr) return;
  const ExchangeCounters& counters = exchange.counters();
  proto::MetricSet* set = AddSet({}, metrics);
  const auto add = [set](const Metric& metric, const std::atomic<uint64_t>& counter) {
    Set(metric, static_cast<double>(counter.load(std::memory_order_relaxed)), set);
  };
  add(metrics::kExchangeBytesSent, counters.bytes_sent);
  add(metrics::kExchangeBytesReceived, counters.bytes_received);
  add(metrics::kExchangeFramesSent, counters.frames_sent);
  add(metrics::kExchangeFramesReceived, counters.frames_received);
  add(metrics::kExchangeStaleFrames, counters.stale_frames);
  Set(metrics::kExchangeMemoryGranted, static_cast<double>(credits->committed_bytes()), set);
  Set(metrics::kExchangeMemoryUsed, static_cast<double>(credits->unconsumed_bytes()), set);
}

void AddWorkerUsage(const ProcessUsage& usage, proto::WorkerMetrics* metrics) {
  proto::MetricSet* set = AddSet({}, metrics);
  Set(metrics::kWorkerCpu, usage.cpu_seconds, set);
  Set(metrics::kWorkerResident, static_cast<double>(usage.resident_bytes), set);
  Set(metrics::kWorkerOpenFds, static_cast<double>(usage.open_fds), set);
  Set(metrics::kWorkerStart, usage.start_time_seconds, set);
}

}  // namespace weir::taskmanager
