// The rules `promtool check metrics` applies (client_golang, prometheus/testutil/promlint), on
// every metric there is rather than on those that happen to have a value.
#include "common/metrics/metric_catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"

namespace weir {
namespace {

std::vector<const Metric*> AllMetrics() {
  std::vector<const Metric*> all;
  for (const MetricSection& section : MetricCatalogue()) {
    all.insert(all.end(), section.metrics.begin(), section.metrics.end());
  }
  return all;
}

bool ConsistsOf(absl::string_view text, absl::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == absl::string_view::npos;
}

constexpr absl::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_";

TEST(MetricCatalogueTest, NamesAreUniqueAndPlain) {
  std::set<absl::string_view> names;
  for (const Metric* metric : AllMetrics()) {
    EXPECT_TRUE(names.insert(metric->name).second) << metric->name;
    EXPECT_TRUE(ConsistsOf(metric->name, kNameCharacters)) << metric->name;
    EXPECT_TRUE(absl::StartsWith(metric->name, "weir_") ||
                absl::StartsWith(metric->name, "process_"))
        << metric->name;
    EXPECT_EQ(FindMetric(metric->name), metric);
  }
  EXPECT_EQ(FindMetric("weir_nothing"), nullptr);
}

TEST(MetricCatalogueTest, EveryMetricHasASentence) {
  for (const Metric* metric : AllMetrics()) {
    EXPECT_TRUE(absl::EndsWith(metric->help, ".")) << metric->name;
  }
}

TEST(MetricCatalogueTest, CountersEndInTotalAndNothingElseDoes) {
  for (const Metric* metric : AllMetrics()) {
    EXPECT_EQ(absl::EndsWith(metric->name, "_total"), metric->type == MetricType::kCounter)
        << metric->name;
    for (const char* reserved : {"_count", "_sum", "_bucket"}) {
      EXPECT_FALSE(absl::EndsWith(metric->name, reserved)) << metric->name;
    }
  }
}

TEST(MetricCatalogueTest, NamesSayNeitherTheirTypeNorAUnitThatIsNoBaseUnit) {
  const std::set<absl::string_view> refused = {
      "counter",      "gauge",     "histogram",    "summary", "ms",    "us", "ns",
      "milliseconds", "minutes",   "microseconds", "sec",     "hours", "kb", "mb",
      "kilobytes",    "megabytes", "days",         "percent", "bits",  "b",  "s",
      "minute",       "hour",      "celsius"};
  for (const Metric* metric : AllMetrics()) {
    for (const absl::string_view word : absl::StrSplit(metric->name, '_')) {
      EXPECT_EQ(refused.count(word), 0u) << metric->name;
    }
  }
}

TEST(MetricCatalogueTest, LabelsAreNoneThatPrometheusUsesItself) {
  const std::set<absl::string_view> taken = {"le", "quantile", "job", "instance"};
  for (const MetricSection& section : MetricCatalogue()) {
    std::vector<absl::string_view> labels = absl::StrSplit(section.labels, ", ", absl::SkipEmpty());
    for (const Metric* metric : section.metrics) {
      for (const absl::string_view label :
           absl::StrSplit(metric->labels, ", ", absl::SkipEmpty())) {
        labels.push_back(label);
      }
    }
    for (const absl::string_view label : labels) {
      EXPECT_EQ(taken.count(label), 0u) << label;
      EXPECT_TRUE(ConsistsOf(label, kNameCharacters)) << label;
    }
  }
}

}  // namespace
}  // namespace weir
