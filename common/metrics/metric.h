#pragma once

#include "absl/strings/string_view.h"

namespace weir {

enum class MetricType { kCounter, kGauge, kHistogram };

/// What is known of a metric apart from its values. All texts are literals. Each is defined once,
/// in metric_catalogue.h: what /metrics says of it and docs/metrics.md are made from that.
///
/// Names begin with weir_ (process_ for those every Prometheus client has), consist of lower-case
/// letters, digits and underscores, name their base unit last (_seconds, _bytes), and those of
/// counters end in _total.
struct Metric {
  absl::string_view name;
  MetricType type = MetricType::kGauge;
  absl::string_view help;         // one sentence
  absl::string_view labels = "";  // beyond those of its section: "state, result"
};

constexpr Metric CounterMetric(absl::string_view name, absl::string_view help,
                               absl::string_view labels = "") {
  return {name, MetricType::kCounter, help, labels};
}
constexpr Metric GaugeMetric(absl::string_view name, absl::string_view help,
                             absl::string_view labels = "") {
  return {name, MetricType::kGauge, help, labels};
}
constexpr Metric HistogramMetric(absl::string_view name, absl::string_view help,
                                 absl::string_view labels = "") {
  return {name, MetricType::kHistogram, help, labels};
}

absl::string_view MetricTypeName(MetricType type);

}  // namespace weir
