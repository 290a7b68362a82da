#pragma once

#include <map>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"

#include "common/metrics/histogram.h"
#include "common/metrics/metric.h"

namespace weir {

/// Label names with values, such as {{"job_id", "..."}, {"subtask", "3"}}.
using MetricLabels = std::map<std::string, std::string>;

/// `labels` and `more` together; `labels` win.
MetricLabels WithLabels(MetricLabels labels, const MetricLabels& more);

/// One answer of /metrics: whoever has values puts them in when it is asked, so that nothing has to
/// be taken out again when a job, a worker or a task ends.
///
/// Threads: one owner. Metrics are literals (metric_catalogue.h); a page refers to them.
class MetricsPage {
 public:
  /// The value of a counter or gauge. The same metric with the same labels again replaces it.
  void Add(const Metric& metric, double value, MetricLabels labels = {});
  /// Of a histogram. Nothing when it is empty.
  void Add(const Metric& metric, const Histogram::Snapshot& value, MetricLabels labels = {});

  /// Prometheus text format, version 0.0.4 (Content-Type kPrometheusContentType); sorted by name
  /// and labels.
  std::string PrometheusText() const;

 private:
  using Value = std::variant<double, Histogram::Snapshot>;
  struct Family {
    const Metric* metric = nullptr;
    std::map<MetricLabels, Value> series;
  };
  void Put(const Metric& metric, MetricLabels labels, Value value);

  std::map<absl::string_view, Family> families_;
};

inline constexpr absl::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

}  // namespace weir
