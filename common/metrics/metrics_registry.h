#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/exec/mutex.h"
#include "common/metrics/counter.h"
#include "common/metrics/gauge.h"
#include "common/metrics/histogram.h"

namespace weir {

/// Label names with values, such as {{"job", "..."}, {"task", "3"}}.
using MetricLabels = std::map<std::string, std::string>;

class MetricGroup;

/// The metrics of a process, by name and labels, as Prometheus reads them. Metrics are added
/// through MetricGroups and leave with them.
///
/// Threads: thread-safe. Updates of metrics never touch the registry; adding, removing and
/// PrometheusText lock it.
/// Lifetime: outlives its groups.
class MetricsRegistry {
 public:
  MetricsRegistry() = default;
  MetricsRegistry(const MetricsRegistry&) = delete;
  MetricsRegistry& operator=(const MetricsRegistry&) = delete;

  /// An empty group; all its metrics will carry `labels`.
  MetricGroup MakeGroup(MetricLabels labels = {});

  /// Prometheus text format, version 0.0.4 (Content-Type kPrometheusContentType); sorted by name
  /// and labels. Calls the callbacks of gauges.
  std::string PrometheusText() const;

 private:
  friend class MetricGroup;
  enum class Type { kCounter, kGauge, kHistogram };

  struct Series {
    uint64_t id = 0;
    MetricLabels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::function<double()> callback;
    std::unique_ptr<Histogram> histogram;
  };
  struct Family {
    Type type = Type::kCounter;
    std::string help;
    // By labels. Of several series with the same labels (a task that has just been replaced by its
    // successor) the newest is shown.
    std::map<MetricLabels, std::vector<std::unique_ptr<Series>>> series;
  };

  // CHECKs name, help and labels; all are ours, none comes from outside.
  Series& Add(Type type, absl::string_view name, absl::string_view help,
              std::unique_ptr<Series> series);
  void Remove(const std::string& name, const MetricLabels& labels, uint64_t id);
  static void AppendFamily(std::string* out, const std::string& name, const Family& family);
  static void AppendSeries(std::string* out, const std::string& name, const Series& series);

  mutable Mutex mutex_;
  uint64_t last_id_ WEIR_GUARDED_BY(mutex_) = 0;
  std::map<std::string, Family> families_ WEIR_GUARDED_BY(mutex_);
};

inline constexpr absl::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of one thing with a life time: a process, a job, a task. When the group ends, its
/// metrics leave the registry; until then references to them are valid.
///
/// Names begin with weir_, consist of lower-case letters, digits and underscores, name their unit
/// in the plural last (_bytes, _seconds), and those of counters end in _total. A name has one help
/// text and one type in all groups. Extra labels are added to those of the group.
/// Threads: one at a time; destruction waits for a PrometheusText that is calling its callbacks.
class MetricGroup {
 public:
  /// Belongs to no registry; its metrics cannot be added to.
  MetricGroup() = default;
  ~MetricGroup() { Clear(); }
  MetricGroup(MetricGroup&& other) noexcept;
  MetricGroup& operator=(MetricGroup&& other) noexcept;

  Counter& AddCounter(absl::string_view name, absl::string_view help, MetricLabels extra = {});
  Gauge& AddGauge(absl::string_view name, absl::string_view help, MetricLabels extra = {});
  /// `callback` is called by PrometheusText on its thread, under the registry's lock: it must be
  /// quick, and must not touch registry or groups.
  void AddGaugeCallback(absl::string_view name, absl::string_view help,
                        std::function<double()> callback, MetricLabels extra = {});
  Histogram& AddHistogram(absl::string_view name, absl::string_view help,
                          const HistogramOptions& options, MetricLabels extra = {});

  /// A group with more labels, with a life of its own.
  MetricGroup MakeGroup(const MetricLabels& extra) const;

  /// Removes all metrics of this group.
  void Clear();

 private:
  friend class MetricsRegistry;
  struct Added {
    std::string name;
    MetricLabels labels;
    uint64_t id = 0;
  };
  MetricGroup(MetricsRegistry* registry, MetricLabels labels)
      : registry_(registry), labels_(std::move(labels)) {}

  MetricsRegistry::Series& Add(MetricsRegistry::Type type, absl::string_view name,
                               absl::string_view help, MetricLabels extra,
                               std::unique_ptr<MetricsRegistry::Series> series);

  MetricsRegistry* registry_ = nullptr;
  MetricLabels labels_;
  std::vector<Added> added_;
};

}  // namespace weir
