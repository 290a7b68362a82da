// The text format of prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
#include "common/metrics/metrics_page.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

#include "common/base/check.h"

namespace weir {
namespace {

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::trunc(value) && std::abs(value) < 1e15) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrFormat("%.15g", value);
}

// {a="x",b="y"}, with `le` as the last label unless it is empty.
std::string FormatLabels(const MetricLabels& labels, absl::string_view le = "") {
  std::string text;
  for (const auto& [name, value] : labels) {
    const std::string escaped =
        absl::StrReplaceAll(value, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}});
    absl::StrAppend(&text, text.empty() ? "" : ",", name, "=\"", escaped, "\"");
  }
  if (!le.empty()) absl::StrAppend(&text, text.empty() ? "" : ",", "le=\"", le, "\"");
  return text.empty() ? "" : absl::StrCat("{", text, "}");
}

void AppendHistogram(std::string* out, absl::string_view name, const MetricLabels& labels,
                     const Histogram::Snapshot& snapshot) {
  uint64_t cumulative = 0;
  for (size_t i = 0; i < snapshot.bounds.size(); ++i) {
    cumulative += snapshot.counts[i];
    absl::StrAppend(out, name, "_bucket", FormatLabels(labels, FormatNumber(snapshot.bounds[i])),
                    " ", cumulative, "\n");
  }
  absl::StrAppend(out, name, "_bucket", FormatLabels(labels, "+Inf"), " ", snapshot.count, "\n");
  absl::StrAppend(out, name, "_sum", FormatLabels(labels), " ", FormatNumber(snapshot.sum), "\n");
  absl::StrAppend(out, name, "_count", FormatLabels(labels), " ", snapshot.count, "\n");
}

}  // namespace

MetricLabels WithLabels(MetricLabels labels, const MetricLabels& more) {
  labels.insert(more.begin(), more.end());
  return labels;
}

void MetricsPage::Add(const Metric& metric, double value, MetricLabels labels) {
  WEIR_CHECK(metric.type != MetricType::kHistogram) << metric.name;
  Put(metric, std::move(labels), value);
}

void MetricsPage::Add(const Metric& metric, const Histogram::Snapshot& value, MetricLabels labels) {
  WEIR_CHECK(metric.type == MetricType::kHistogram) << metric.name;
  if (value.count > 0) Put(metric, std::move(labels), value);
}

void MetricsPage::Put(const Metric& metric, MetricLabels labels, Value value) {
  Family& family = families_[metric.name];
  family.metric = &metric;
  family.series.insert_or_assign(std::move(labels), std::move(value));
}

std::string MetricsPage::PrometheusText() const {
  std::string out;
  for (const auto& [name, family] : families_) {
    absl::StrAppend(&out, "# HELP ", name, " ",
                    absl::StrReplaceAll(family.metric->help, {{"\\", "\\\\"}, {"\n", "\\n"}}),
                    "\n# TYPE ", name, " ", MetricTypeName(family.metric->type), "\n");
    for (const auto& [labels, value] : family.series) {
      if (const double* number = std::get_if<double>(&value)) {
        absl::StrAppend(&out, name, FormatLabels(labels), " ", FormatNumber(*number), "\n");
      } else {
        AppendHistogram(&out, name, labels, std::get<Histogram::Snapshot>(value));
      }
    }
  }
  return out;
}

}  // namespace weir
