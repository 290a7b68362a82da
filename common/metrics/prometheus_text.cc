// The text format of prometheus.io/docs/instrumenting/exposition_formats, version 0.0.4.
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

#include "common/metrics/metrics_registry.h"

namespace weir {
namespace {

std::string FormatNumber(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::trunc(value) && std::abs(value) < 1e15) {
    return absl::StrCat(static_cast<int64_t>(value));
  }
  return absl::StrFormat("%.12g", value);
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

void AppendHistogram(std::string* out, const std::string& name, const MetricLabels& labels,
                     const Histogram& histogram) {
  const Histogram::Snapshot snapshot = histogram.TakeSnapshot();
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

void MetricsRegistry::AppendSeries(std::string* out, const std::string& name,
                                   const Series& series) {
  if (series.histogram != nullptr) {
    AppendHistogram(out, name, series.labels, *series.histogram);
    return;
  }
  absl::StrAppend(out, name, FormatLabels(series.labels), " ");
  if (series.counter != nullptr) {
    absl::StrAppend(out, series.counter->value(), "\n");
  } else {
    const double value = series.gauge != nullptr ? series.gauge->value() : series.callback();
    absl::StrAppend(out, FormatNumber(value), "\n");
  }
}

void MetricsRegistry::AppendFamily(std::string* out, const std::string& name,
                                   const Family& family) {
  const absl::string_view type = family.type == Type::kCounter ? "counter"
                                 : family.type == Type::kGauge ? "gauge"
                                                               : "histogram";
  absl::StrAppend(out, "# HELP ", name, " ",
                  absl::StrReplaceAll(family.help, {{"\\", "\\\\"}, {"\n", "\\n"}}), "\n# TYPE ",
                  name, " ", type, "\n");
  for (const auto& [labels, series] : family.series) AppendSeries(out, name, *series.back());
}

std::string MetricsRegistry::PrometheusText() const {
  std::string out;
  MutexLock lock(mutex_);
  for (const auto& [name, family] : families_) AppendFamily(&out, name, family);
  return out;
}

}  // namespace weir
