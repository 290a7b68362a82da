#include "common/metrics/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace weir {
namespace {

using testing::HasSubstr;

constexpr Metric kRecords = CounterMetric("weir_records_in_total", "Records read.");
constexpr Metric kMemory = GaugeMetric("weir_memory_bytes", "Memory in use.");
constexpr Metric kCommit = HistogramMetric("weir_commit_seconds", "Duration of commits.");

TEST(MetricsPageTest, WritesThePrometheusTextFormat) {
  Histogram histogram({.lowest = 1000, .highest = 2000, .steps = 1, .scale = 1e-3});
  for (const int64_t value : {500, 1500, 9000}) histogram.Record(value);
  MetricsPage page;
  page.Add(kRecords, 1, {{"job_id", "j2"}});
  page.Add(kRecords, 41, {{"job_id", "j1"}});
  page.Add(kMemory, 1.5);
  page.Add(kCommit, histogram.TakeSnapshot(), {{"job_id", "j1"}});
  EXPECT_EQ(page.PrometheusText(),
            "# HELP weir_commit_seconds Duration of commits.\n"
            "# TYPE weir_commit_seconds histogram\n"
            "weir_commit_seconds_bucket{job_id=\"j1\",le=\"1\"} 1\n"
            "weir_commit_seconds_bucket{job_id=\"j1\",le=\"2\"} 2\n"
            "weir_commit_seconds_bucket{job_id=\"j1\",le=\"+Inf\"} 3\n"
            "weir_commit_seconds_sum{job_id=\"j1\"} 11\n"
            "weir_commit_seconds_count{job_id=\"j1\"} 3\n"
            "# HELP weir_memory_bytes Memory in use.\n"
            "# TYPE weir_memory_bytes gauge\n"
            "weir_memory_bytes 1.5\n"
            "# HELP weir_records_in_total Records read.\n"
            "# TYPE weir_records_in_total counter\n"
            "weir_records_in_total{job_id=\"j1\"} 41\n"
            "weir_records_in_total{job_id=\"j2\"} 1\n");
}

TEST(MetricsPageTest, EscapesHelpAndLabels) {
  constexpr Metric kOdd = GaugeMetric("weir_x", "a\\b\nc\"d");
  MetricsPage page;
  page.Add(kOdd, 0, {{"name", "a\\b\nc\"d"}});
  EXPECT_EQ(page.PrometheusText(),
            "# HELP weir_x a\\\\b\\nc\"d\n"
            "# TYPE weir_x gauge\n"
            "weir_x{name=\"a\\\\b\\nc\\\"d\"} 0\n");
}

TEST(MetricsPageTest, WritesSpecialAndLargeNumbers) {
  MetricsPage page;
  page.Add(kMemory, std::numeric_limits<double>::quiet_NaN(), {{"n", "a"}});
  page.Add(kMemory, std::numeric_limits<double>::infinity(), {{"n", "b"}});
  page.Add(kMemory, -9e99, {{"n", "c"}});
  page.Add(kMemory, 1790000000.123456, {{"n", "d"}});
  const std::string text = page.PrometheusText();
  EXPECT_THAT(text, HasSubstr("{n=\"a\"} NaN\n"));
  EXPECT_THAT(text, HasSubstr("{n=\"b\"} +Inf\n"));
  EXPECT_THAT(text, HasSubstr("{n=\"c\"} -9e+99\n"));
  EXPECT_THAT(text, HasSubstr("{n=\"d\"} 1790000000.12346\n"));
}

TEST(MetricsPageTest, OneSeriesIsThereOnce) {
  MetricsPage page;
  page.Add(kMemory, 1, {{"n", "a"}});
  page.Add(kMemory, 2, {{"n", "a"}});
  EXPECT_THAT(page.PrometheusText(), HasSubstr("gauge\nweir_memory_bytes{n=\"a\"} 2\n"));
}

TEST(MetricsPageTest, AnEmptyHistogramIsNotShown) {
  MetricsPage page;
  page.Add(kCommit, Histogram(HistogramOptions::Seconds()).TakeSnapshot());
  EXPECT_EQ(page.PrometheusText(), "");
}

}  // namespace
}  // namespace weir
