// What a TaskManager shows of itself and of its workers. Workers run code of users: their messages
// choose among the metrics and labels of the catalogue, and the labels that say whose they are come
// from here.
#include <algorithm>
#include <iterator>
#include <string>

#include "absl/strings/match.h"

#include "common/metrics/metric_catalogue.h"
#include "taskmanager/agent/task_manager.h"

namespace weir::taskmanager {
namespace {

constexpr absl::string_view kWorkerMetrics[] = {"weir_worker_", "weir_task_", "weir_operator_",
                                                "weir_source_", "weir_sink_"};
constexpr absl::string_view kWorkerLabels[] = {"vertex",       "task",  "subtask", "operator",
                                               "operator_uid", "split", "state"};

// Null when it is none that a worker may have.
const Metric* WorkerMetric(absl::string_view name) {
  const bool right_kind =
      std::any_of(std::begin(kWorkerMetrics), std::end(kWorkerMetrics),
                  [name](absl::string_view prefix) { return absl::StartsWith(name, prefix); });
  const Metric* metric = right_kind ? FindMetric(name) : nullptr;
  return metric == nullptr || metric->type == MetricType::kHistogram ? nullptr : metric;
}

bool IsWorkerLabel(absl::string_view name) {
  return std::find(std::begin(kWorkerLabels), std::end(kWorkerLabels), name) !=
         std::end(kWorkerLabels);
}

}  // namespace

void TaskManager::OnWorkerMetrics(const WorkerId& id, const proto::WorkerMetrics& metrics) {
  const auto worker = workers_.find(id);
  if (worker == workers_.end() || worker->second.status.state() == proto::WorkerStatus::EXITED) {
    return;
  }
  worker->second.metrics = metrics;
  worker->second.metrics_at = deps_.clock.Monotonic();
}

void TaskManager::AddWorkerMetrics(const WorkerId& id, const Worker& worker,
                                   MetricsPage* page) const {
  const MetricLabels own = {
      {"job_id", worker.spec.job()}, {"job_name", worker.spec.job_name()}, {"worker", id.value()}};
  page->Add(metrics::kWorkerMetricsAge,
            absl::ToDoubleSeconds(deps_.clock.Monotonic() - worker.metrics_at), own);
  const int sets = std::min(worker.metrics->sets_size(), kMaxMetricSets);
  for (int i = 0; i < sets; ++i) {
    const proto::MetricSet& set = worker.metrics->sets(i);
    MetricLabels labels = own;
    for (const auto& [name, value] : set.labels()) {
      if (IsWorkerLabel(name)) labels.emplace(name, value);
    }
    for (const auto& [name, value] : set.values()) {
      const Metric* metric = WorkerMetric(name);
      if (metric != nullptr) page->Add(*metric, value, labels);
    }
  }
}

void TaskManager::AddMetrics(MetricsPage* page) const {
  double starting = 0;
  double connected = 0;
  for (const auto& [id, worker] : workers_) {
    starting += worker.status.state() == proto::WorkerStatus::STARTING ? 1 : 0;
    connected += worker.status.state() == proto::WorkerStatus::CONNECTED ? 1 : 0;
    if (worker.metrics.has_value()) AddWorkerMetrics(id, worker, page);
  }
  page->Add(metrics::kTaskManagerRegistered, registered_ ? 1 : 0);
  page->Add(metrics::kTaskManagerSlots, options_.slots);
  page->Add(metrics::kTaskManagerWorkers, starting, {{"state", "starting"}});
  page->Add(metrics::kTaskManagerWorkers, connected, {{"state", "connected"}});
  page->Add(metrics::kTaskManagerWorkerExits, static_cast<double>(worker_exits_));
}

}  // namespace weir::taskmanager
