// What /metrics of a TaskManager has of its workers.
#include "common/metrics/metrics_page.h"
#include "tests/unit/taskmanager/agent/testing_agent.h"

namespace weir::taskmanager {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class TaskManagerMetricsTest : public TaskManagerTest {
 protected:
  void StartWorker() {
    Register();
    proto::Envelope directive = FromLeader();
    proto::WorkerSpec* spec = directive.mutable_task_manager_directive()->add_workers();
    spec->set_worker("w-1");
    spec->set_job("j-1");
    spec->set_job_name("flights");
    Hear(directive);
    stream_ = &ConnectWorker("w-1");
  }
  void Show(const std::string& metric, double value, std::map<std::string, std::string> labels = {},
            const std::string& sender = "w-1") {
    proto::Envelope envelope;
    envelope.mutable_header()->set_sender(sender);
    proto::MetricSet* set = envelope.mutable_worker_metrics()->add_sets();
    set->mutable_labels()->insert(labels.begin(), labels.end());
    (*set->mutable_values())[metric] = value;
    task_manager_->OnWorkerMessage(stream_->id, envelope);
  }
  std::string Page() {
    MetricsPage page;
    task_manager_->AddMetrics(&page);
    return page.PrometheusText();
  }

  TestingWorkerStream* stream_ = nullptr;
};

constexpr char kRecords[] = "weir_task_records_in_total";

TEST_F(TaskManagerMetricsTest, ShowsItself) {
  EXPECT_THAT(Page(), HasSubstr("\nweir_taskmanager_registered 0\n"));
  StartWorker();
  EXPECT_THAT(Page(), AllOf(HasSubstr("\nweir_taskmanager_registered 1\n"),
                            HasSubstr("\nweir_taskmanager_slots 2\n"),
                            HasSubstr("\nweir_taskmanager_workers{state=\"connected\"} 1\n")));
}

TEST_F(TaskManagerMetricsTest, AWorkersNumbersSayWhoseTheyAre) {
  StartWorker();
  Show(kRecords, 7, {{"subtask", "0"}});
  EXPECT_THAT(Page(), HasSubstr("\nweir_task_records_in_total{job_id=\"j-1\",job_name=\"flights\","
                                "subtask=\"0\",worker=\"w-1\"} 7\n"));
  executor_.Advance(absl::Seconds(2));
  EXPECT_THAT(Page(), HasSubstr("\nweir_worker_metrics_age_seconds{job_id=\"j-1\",job_name="
                                "\"flights\",worker=\"w-1\"} 2\n"));
}

TEST_F(TaskManagerMetricsTest, AWorkerCannotSpeakForOthers) {
  StartWorker();
  Show(kRecords, 7, {{"job_id", "j-2"}, {"worker", "w-2"}, {"instance", "x"}});
  Show("weir_leader", 1);
  Show("weir_taskmanager_slots", 99);
  Show("weir_checkpoint_duration_seconds", 1);
  Show("weir_task_new", 1);
  EXPECT_THAT(Page(),
              AllOf(Not(HasSubstr("j-2")), Not(HasSubstr("w-2")), Not(HasSubstr("instance")),
                    Not(HasSubstr("weir_leader")), Not(HasSubstr("99")),
                    Not(HasSubstr("checkpoint")), Not(HasSubstr("weir_task_new"))));
  Show(kRecords, 8, {}, "w-2");
  EXPECT_THAT(Page(), Not(HasSubstr("weir_task_records_in_total")));
}

TEST_F(TaskManagerMetricsTest, TheSeriesOfADeadWorkerVanish) {
  StartWorker();
  Show(kRecords, 7);
  launcher_.exits["w-1"]("killed by signal 9 (SIGKILL)");
  EXPECT_THAT(Page(),
              AllOf(Not(HasSubstr("w-1")), HasSubstr("\nweir_taskmanager_worker_exits_total 1\n")));
  Show(kRecords, 8);
  EXPECT_THAT(Page(), Not(HasSubstr("w-1")));
}

TEST_F(TaskManagerMetricsTest, MetricsAreNotRelayed) {
  StartWorker();
  const size_t before = sent_.size();
  Show(kRecords, 7);
  EXPECT_EQ(sent_.size(), before);
}

}  // namespace
}  // namespace weir::taskmanager
