#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/metrics/process_usage.h"
#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "taskmanager/exchange/exchange_endpoint.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_host.h"

namespace weir::taskmanager {

/// What a worker sends its TaskManager for /metrics: the numbers that its tasks, sources and sinks
/// count anyway, gathered once in a while. Names: common/metrics/metric_catalogue.h.
struct WorkerMetricsMoment {
  absl::Time now;
  absl::Duration monotonic;
};

/// So many sets of values are sent at most, some 300 bytes each: a message that is too large would
/// end the stream, and with it the worker.
inline constexpr int kMaxSentMetricSets = 5'000;

/// Of a task, its operators, its source and its sinks.
void AddTaskMetrics(const Task& task, const WorkerMetricsMoment& moment,
                    proto::WorkerMetrics* metrics);
/// Of a task whose step has not come back in time; there is no series otherwise.
void AddStallMetrics(const StalledStep& stall, proto::WorkerMetrics* metrics);
/// Of a sink's committer.
void AddCommitterMetrics(const proto::SinkMetrics& committer, const StreamGraph& graph,
                         proto::WorkerMetrics* metrics);
/// Of the worker itself.
void AddWorkerMetrics(Generation generation, proto::WorkerMetrics* metrics);
/// Of what it exchanges with other workers; nothing before the first generation that does.
void AddExchangeMetrics(const ExchangeEndpoint& exchange, proto::WorkerMetrics* metrics);
void AddWorkerUsage(const ProcessUsage& usage, proto::WorkerMetrics* metrics);

}  // namespace weir::taskmanager
