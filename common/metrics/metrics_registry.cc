#include "common/metrics/metrics_registry.h"

#include <algorithm>

#include "absl/strings/match.h"

#include "common/base/check.h"

namespace weir {
namespace {

bool ConsistsOf(absl::string_view text, absl::string_view characters) {
  return text.find_first_not_of(characters) == absl::string_view::npos;
}

bool IsLabelName(absl::string_view name) {
  return !name.empty() && ConsistsOf(name, "abcdefghijklmnopqrstuvwxyz0123456789_") &&
         (name[0] < '0' || name[0] > '9') && !absl::StartsWith(name, "__") && name != "le" &&
         name != "quantile";
}

bool IsMetricName(absl::string_view name) {
  return absl::StartsWith(name, "weir_") &&
         ConsistsOf(name, "abcdefghijklmnopqrstuvwxyz0123456789_") && !absl::EndsWith(name, "_") &&
         !absl::EndsWith(name, "_count") && !absl::EndsWith(name, "_sum") &&
         !absl::EndsWith(name, "_bucket");
}

}  // namespace

MetricGroup MetricsRegistry::MakeGroup(MetricLabels labels) {
  return MetricGroup(this, std::move(labels));
}

MetricsRegistry::Series& MetricsRegistry::Add(Type type, absl::string_view name,
                                              absl::string_view help,
                                              std::unique_ptr<Series> series) {
  WEIR_CHECK(IsMetricName(name)) << "metric '" << name << "'";
  WEIR_CHECK(absl::EndsWith(name, "_total") == (type == Type::kCounter))
      << "metric '" << name << "'";
  WEIR_CHECK(!help.empty()) << "metric '" << name << "' has no help text";
  for (const auto& [label, value] : series->labels) {
    WEIR_CHECK(IsLabelName(label)) << "metric '" << name << "', label '" << label << "'";
  }
  MutexLock lock(mutex_);
  const auto [position, inserted] = families_.try_emplace(std::string(name));
  Family& family = position->second;
  if (inserted) {
    family.type = type;
    family.help = std::string(help);
  }
  WEIR_CHECK(family.type == type && family.help == help)
      << "metric '" << name << "' is added with two types or help texts";
  series->id = ++last_id_;
  Series& added = *series;
  family.series[added.labels].push_back(std::move(series));
  return added;
}

void MetricsRegistry::Remove(const std::string& name, const MetricLabels& labels, uint64_t id) {
  MutexLock lock(mutex_);
  const auto family = families_.find(name);
  WEIR_CHECK(family != families_.end()) << name;
  const auto same_labels = family->second.series.find(labels);
  WEIR_CHECK(same_labels != family->second.series.end()) << name;
  auto& series = same_labels->second;
  series.erase(std::remove_if(series.begin(), series.end(),
                              [id](const auto& candidate) { return candidate->id == id; }),
               series.end());
  if (series.empty()) family->second.series.erase(same_labels);
  if (family->second.series.empty()) families_.erase(family);
}

MetricGroup::MetricGroup(MetricGroup&& other) noexcept
    : registry_(other.registry_),
      labels_(std::move(other.labels_)),
      added_(std::exchange(other.added_, {})) {}

MetricGroup& MetricGroup::operator=(MetricGroup&& other) noexcept {
  if (this == &other) return *this;
  Clear();
  registry_ = other.registry_;
  labels_ = std::move(other.labels_);
  added_ = std::exchange(other.added_, {});
  return *this;
}

Counter& MetricGroup::AddCounter(absl::string_view name, absl::string_view help,
                                 MetricLabels extra) {
  auto series = std::make_unique<MetricsRegistry::Series>();
  series->counter = std::make_unique<Counter>();
  return *Add(MetricsRegistry::Type::kCounter, name, help, std::move(extra), std::move(series))
              .counter;
}

Gauge& MetricGroup::AddGauge(absl::string_view name, absl::string_view help, MetricLabels extra) {
  auto series = std::make_unique<MetricsRegistry::Series>();
  series->gauge = std::make_unique<Gauge>();
  return *Add(MetricsRegistry::Type::kGauge, name, help, std::move(extra), std::move(series)).gauge;
}

void MetricGroup::AddGaugeCallback(absl::string_view name, absl::string_view help,
                                   std::function<double()> callback, MetricLabels extra) {
  auto series = std::make_unique<MetricsRegistry::Series>();
  series->callback = std::move(callback);
  Add(MetricsRegistry::Type::kGauge, name, help, std::move(extra), std::move(series));
}

Histogram& MetricGroup::AddHistogram(absl::string_view name, absl::string_view help,
                                     const HistogramOptions& options, MetricLabels extra) {
  auto series = std::make_unique<MetricsRegistry::Series>();
  series->histogram = std::make_unique<Histogram>(options);
  return *Add(MetricsRegistry::Type::kHistogram, name, help, std::move(extra), std::move(series))
              .histogram;
}

MetricGroup MetricGroup::MakeGroup(const MetricLabels& extra) const {
  MetricLabels labels = extra;
  labels.insert(labels_.begin(), labels_.end());
  return MetricGroup(registry_, std::move(labels));
}

void MetricGroup::Clear() {
  for (const Added& added : added_) registry_->Remove(added.name, added.labels, added.id);
  added_.clear();
}

MetricsRegistry::Series& MetricGroup::Add(MetricsRegistry::Type type, absl::string_view name,
                                          absl::string_view help, MetricLabels extra,
                                          std::unique_ptr<MetricsRegistry::Series> series) {
  WEIR_CHECK(registry_ != nullptr) << "metric '" << name << "' is added to a group of no registry";
  series->labels = std::move(extra);
  series->labels.insert(labels_.begin(), labels_.end());
  MetricsRegistry::Series& added = registry_->Add(type, name, help, std::move(series));
  added_.push_back({std::string(name), added.labels, added.id});
  return added;
}

}  // namespace weir
