#include "taskmanager/worker/worker_metrics.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/metrics/metric_catalogue.h"
#include "tests/unit/taskmanager/worker/testing_worker_endpoint.h"

namespace weir::taskmanager {
namespace {

using ::testing::Contains;
using ::testing::Pair;

// "metric subtask/operator_uid/state" -> value.
std::map<std::string, double> Flat(const proto::WorkerMetrics& metrics) {
  std::map<std::string, double> flat;
  for (const proto::MetricSet& set : metrics.sets()) {
    std::string labels;
    for (const char* name : {"subtask", "operator_uid", "state"}) {
      const auto label = set.labels().find(name);
      absl::StrAppend(&labels, "/", label == set.labels().end() ? "" : label->second);
    }
    for (const auto& [name, value] : set.values()) {
      EXPECT_NE(FindMetric(name), nullptr) << name;
      flat[absl::StrCat(name, " ", labels)] = value;
    }
  }
  return flat;
}

class WorkerMetricsTest : public WorkerEndpointTest {};

TEST(CommitterMetricsTest, SinkNumbersGetBaseUnitsAndStates) {
  proto::SinkMetrics sink;
  sink.set_sink_uid("out");
  (*sink.mutable_values())["lastCommitLatencyMs"] = 250;
  (*sink.mutable_values())["replays"] = 3;
  (*sink.mutable_values())["transactionSlotsPreparing"] = 2;
  (*sink.mutable_values())["somethingNew"] = 9;
  proto::WorkerMetrics metrics;
  AddCommitterMetrics(sink, StreamGraph(), &metrics);
  EXPECT_THAT(Flat(metrics), ::testing::UnorderedElementsAre(
                                 Pair("weir_sink_last_commit_duration_seconds //out/", 0.25),
                                 Pair("weir_sink_replays_total //out/", 3),
                                 Pair("weir_sink_transaction_slots //out/preparing", 2)));
}

TEST_F(WorkerMetricsTest, AnEndpointGathersThemOnlyWhenAsked) {
  Run();
  for (const proto::Envelope& envelope : sent_) EXPECT_FALSE(envelope.has_worker_metrics());
}

TEST_F(WorkerMetricsTest, TellsOfTheWorkerItself) {
  proto::WorkerMetrics metrics;
  AddWorkerMetrics(Generation(4), &metrics);
  AddWorkerUsage({.cpu_seconds = 1.5, .resident_bytes = 4096, .open_fds = 7}, &metrics);
  const auto flat = Flat(metrics);
  EXPECT_THAT(flat, Contains(Pair("weir_worker_generation ///", 4)));
  EXPECT_THAT(flat, Contains(Pair("weir_worker_cpu_seconds_total ///", 1.5)));
  EXPECT_THAT(flat, Contains(Pair("weir_worker_open_fds ///", 7)));
}

}  // namespace
}  // namespace weir::taskmanager
