#include "common/metrics/metrics_registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(MetricsRegistryTest, WritesThePrometheusTextFormat) {
  MetricsRegistry registry;
  MetricGroup first = registry.MakeGroup({{"job", "j1"}});
  MetricGroup second = registry.MakeGroup({{"job", "j2"}});
  first.AddCounter("weir_records_in_total", "Records read.").Add(41);
  second.AddCounter("weir_records_in_total", "Records read.").Add();
  first.AddGauge("weir_memory_bytes", "Memory in use.").Set(1.5);
  Histogram& histogram =
      first.AddHistogram("weir_commit_seconds", "Duration of commits.",
                         {.lowest = 1000, .highest = 2000, .steps = 1, .scale = 1e-3});
  histogram.Record(int64_t{500});
  histogram.Record(int64_t{1500});
  histogram.Record(int64_t{9000});
  EXPECT_EQ(registry.PrometheusText(),
            "# HELP weir_commit_seconds Duration of commits.\n"
            "# TYPE weir_commit_seconds histogram\n"
            "weir_commit_seconds_bucket{job=\"j1\",le=\"1\"} 1\n"
            "weir_commit_seconds_bucket{job=\"j1\",le=\"2\"} 2\n"
            "weir_commit_seconds_bucket{job=\"j1\",le=\"+Inf\"} 3\n"
            "weir_commit_seconds_sum{job=\"j1\"} 11\n"
            "weir_commit_seconds_count{job=\"j1\"} 3\n"
            "# HELP weir_memory_bytes Memory in use.\n"
            "# TYPE weir_memory_bytes gauge\n"
            "weir_memory_bytes{job=\"j1\"} 1.5\n"
            "# HELP weir_records_in_total Records read.\n"
            "# TYPE weir_records_in_total counter\n"
            "weir_records_in_total{job=\"j1\"} 41\n"
            "weir_records_in_total{job=\"j2\"} 1\n");
}

TEST(MetricsRegistryTest, EscapesHelpAndLabels) {
  MetricsRegistry registry;
  MetricGroup group = registry.MakeGroup();
  group.AddGauge("weir_x", "a\\b\nc\"d", {{"name", "a\\b\nc\"d"}});
  EXPECT_EQ(registry.PrometheusText(),
            "# HELP weir_x a\\\\b\\nc\"d\n"
            "# TYPE weir_x gauge\n"
            "weir_x{name=\"a\\\\b\\nc\\\"d\"} 0\n");
}

TEST(MetricsRegistryTest, WritesSpecialNumbers) {
  MetricsRegistry registry;
  MetricGroup group = registry.MakeGroup();
  group.AddGauge("weir_a", "A.").Set(std::numeric_limits<double>::quiet_NaN());
  group.AddGauge("weir_b", "B.").Set(std::numeric_limits<double>::infinity());
  group.AddGauge("weir_c", "C.").Set(-9e99);
  EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_a NaN\n"));
  EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_b +Inf\n"));
  EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_c -9e+99\n"));
}

TEST(MetricsRegistryTest, MetricsLeaveWithTheirGroup) {
  MetricsRegistry registry;
  {
    MetricGroup group = registry.MakeGroup();
    group.AddGaugeCallback("weir_x", "X.", [] { return 7.0; });
    const MetricGroup moved = std::move(group);
    EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_x 7\n"));
  }
  EXPECT_EQ(registry.PrometheusText(), "");
}

TEST(MetricsRegistryTest, ChildGroupAddsLabelsAndLivesOnItsOwn) {
  MetricsRegistry registry;
  auto job = std::make_unique<MetricGroup>(registry.MakeGroup({{"job", "j"}}));
  MetricGroup task = job->MakeGroup({{"task", "3"}});
  task.AddGauge("weir_x", "X.");
  job.reset();
  EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_x{job=\"j\",task=\"3\"} 0\n"));
}

TEST(MetricsRegistryTest, SuccessorWithTheSameLabelsIsShownOnce) {
  MetricsRegistry registry;
  auto before = std::make_unique<MetricGroup>(registry.MakeGroup({{"task", "1"}}));
  before->AddGauge("weir_x", "X.").Set(1);
  MetricGroup after = registry.MakeGroup({{"task", "1"}});
  after.AddGauge("weir_x", "X.").Set(2);
  EXPECT_THAT(registry.PrometheusText(), Not(HasSubstr("weir_x{task=\"1\"} 1\n")));
  before.reset();
  EXPECT_THAT(registry.PrometheusText(), HasSubstr("weir_x{task=\"1\"} 2\n"));
}

TEST(MetricsRegistryDeathTest, RefusesNamesAgainstTheConventions) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  MetricsRegistry registry;
  MetricGroup group = registry.MakeGroup();
  EXPECT_DEATH(group.AddCounter("weir_records", "X."), "metric 'weir_records'");
  EXPECT_DEATH(group.AddGauge("weir_records_total", "X."), "metric 'weir_records_total'");
  EXPECT_DEATH(group.AddGauge("records", "X."), "metric 'records'");
  EXPECT_DEATH(group.AddGauge("weir_x", "X.", {{"le", "1"}}), "label 'le'");
}

TEST(MetricsRegistryTest, UpdatesAndReadsMayRunAtOnce) {
  MetricsRegistry registry;
  MetricGroup group = registry.MakeGroup();
  Counter& counter = group.AddCounter("weir_x_total", "X.");
  Histogram& histogram = group.AddHistogram("weir_y_seconds", "Y.", HistogramOptions::Seconds());
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done) registry.PrometheusText();
  });
  std::vector<std::thread> writers;
  for (int t = 0; t < 2; ++t) {
    writers.emplace_back([&] {
      MetricGroup own = registry.MakeGroup({{"thread", "x"}});
      for (int i = 0; i < 1000; ++i) {
        counter.Add();
        histogram.Record(absl::Microseconds(i));
        own.AddGauge("weir_z", "Z.").Set(i);
        own.Clear();
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  done = true;
  reader.join();
  EXPECT_EQ(counter.value(), 2000u);
  EXPECT_EQ(histogram.TakeSnapshot().count, 2000u);
}

}  // namespace
}  // namespace weir
