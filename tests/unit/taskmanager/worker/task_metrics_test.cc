// What a running task tells for /metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"

#include "taskmanager/worker/worker_metrics.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Gt;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

// "metric operator_uid" -> value.
std::map<std::string, double> MetricsOf(const Task& task, const WorkerMetricsMoment& moment) {
  proto::WorkerMetrics metrics;
  AddTaskMetrics(task, moment, &metrics);
  std::map<std::string, double> flat;
  for (const proto::MetricSet& set : metrics.sets()) {
    EXPECT_EQ(set.labels().at("subtask"), "0");
    EXPECT_EQ(set.labels().at("vertex"), "1");
    const auto uid = set.labels().find("operator_uid");
    for (const auto& [name, value] : set.values()) {
      flat[absl::StrCat(name, " ", uid == set.labels().end() ? "" : uid->second)] = value;
    }
  }
  return flat;
}

WorkerMetricsMoment MomentOf(const TestingPipeline& pipeline) {
  return {pipeline.clock.Now(), pipeline.clock.Monotonic()};
}

TEST(TaskMetricsTest, RecordsAndBytesOfTaskAndOperators) {
  TestingPipeline pipeline;
  pipeline.Then("twice", []() -> std::unique_ptr<Operator> {
    return std::make_unique<RepeatingOperator>(2);
  });
  pipeline.reader->Add({1, 2, 3});
  const auto task = pipeline.Build();
  RunUntilBlocked(*task);
  EXPECT_THAT(MetricsOf(*task, MomentOf(pipeline)),
              AllOf(Contains(Pair("weir_task_records_in_total ", 3)),
                    Contains(Pair("weir_task_records_out_total ", 6)),
                    Contains(Pair("weir_task_bytes_in_total ", Gt(0))),
                    Contains(Pair("weir_task_bytes_out_total ", Gt(0))),
                    Contains(Pair("weir_task_splits ", 1)),
                    Contains(Pair("weir_operator_records_out_total source", 3)),
                    Contains(Pair("weir_operator_records_in_total twice", 3)),
                    Contains(Pair("weir_operator_records_out_total twice", 6)),
                    Contains(Pair("weir_operator_records_in_total sink", 6))));
}

TEST(TaskMetricsTest, WatermarkOfTheHeadWhileThereIsOne) {
  TestingPipeline pipeline;
  pipeline.WithWatermarks(HighestTimeStrategy());
  pipeline.reader->Add({1}, 0, {250'000});
  const auto task = pipeline.Build();
  EXPECT_THAT(MetricsOf(*task, MomentOf(pipeline)),
              Not(Contains(Key("weir_operator_watermark_timestamp_seconds source"))));
  RunUntilBlocked(*task);
  EXPECT_THAT(MetricsOf(*task, MomentOf(pipeline)),
              AllOf(Contains(Pair("weir_operator_watermark_timestamp_seconds source", 0.25)),
                    Contains(Pair("weir_operator_watermark_lag_seconds source", 0.75))));
  pipeline.reader->end_when_empty = true;
  RunUntilBlocked(*task);
  EXPECT_THAT(MetricsOf(*task, MomentOf(pipeline)),
              Not(Contains(Key("weir_operator_watermark_timestamp_seconds source"))));
}

TEST(TaskMetricsTest, NumbersOfItsSinks) {
  TestingPipeline pipeline;
  pipeline.writer->metrics = {{"transactionTimeoutMs", 60'000}};
  const auto task = pipeline.Build();
  EXPECT_THAT(MetricsOf(*task, MomentOf(pipeline)),
              Contains(Pair("weir_sink_transaction_timeout_seconds sink", 60)));
}

}  // namespace
}  // namespace weir::taskmanager
