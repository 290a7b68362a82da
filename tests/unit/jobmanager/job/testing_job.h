#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/seeded_random.h"
#include "jobmanager/job/job_master.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"
#include "tests/unit/jobmanager/testing_task_manager.h"

namespace weir::jobmanager {

/// What one JobManager holds of one job: its registry of TaskManagers and the job's master.
class TestingLeadership final : public TaskManagerRegistry::Listener {
 public:
  struct World {
    ManualExecutor& executor;
    ManualClock& clock;
    ManualPool& pool;
    TestingFileSystem& files;
    SeededRandom& random;
    const StorageLayout& layout;
    const JobOptions& options;
  };

  TestingLeadership(uint64_t number, World world)
      : registry(LeaderIdentity{LeaderTerm(number), "nonce" + std::to_string(number), "east",
                                "jm-" + std::to_string(number), "probe"},
                 TaskManagerRegistry::Options(), {world.clock, world.executor, *this}) {
    proto::Term term;
    term.set_number(number);
    term.set_nonce("nonce" + std::to_string(number));
    master = std::make_unique<JobMaster>(
        JobId("j"), term,
        JobMaster::Dependencies{world.clock, world.executor, world.pool, world.files, world.random,
                                registry, world.layout,
                                [this](const absl::Status& why) { stale = why; },
                                [options = world.options](const std::map<std::string, std::string>&)
                                    -> absl::StatusOr<JobOptions> { return options; },
                                [] { return std::vector<std::string>{"j"}; }});
  }

  void OnSlotsChanged() override { master->OnSlotsChanged(); }
  void OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss) override {
    master->OnTaskManagerLost(id, loss);
  }
  void OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) override {
    master->OnWorkerStatus(id, status);
  }
  void OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report) override {
    master->OnWorkerReport(header, report);
  }
  void OnPlannerResult(const proto::PlannerResult&) override {}
  void OnTransactionsResult(const proto::TransactionsResult&) override {}
  void OnWorkerLogsResult(const proto::WorkerLogsResult& result) override {
    if (on_worker_logs) on_worker_logs(result);
  }

  std::function<void(const proto::WorkerLogsResult&)> on_worker_logs;
  absl::Status stale;
  TaskManagerRegistry registry;
  std::unique_ptr<JobMaster> master;
};

/// A job, the TaskManagers it runs on, and the storage under it, in virtual time.
class JobTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kInterval = absl::Seconds(10);

  JobTest() {
    options_.restart.jitter = 0;
    options_.checkpoint.interval = kInterval;
    EXPECT_TRUE(files_.MakeDirectory(layout_.JobLogDirectory(JobId("j"))).ok());
  }

  TestingTaskManager& AddTaskManager(const std::string& id, uint32_t slots = 1) {
    task_managers_.push_back(std::make_unique<TestingTaskManager>(id, slots, executor_, behavior_));
    if (leader_ != nullptr) task_managers_.back()->Connect(leader_->registry);
    Wait(absl::ZeroDuration());
    return *task_managers_.back();
  }
  /// The job is submitted to a first leader and works.
  void Submit(const proto::JobGraph& graph) {
    leader_ = MakeLeader(1);
    proto::JobSubmitted submission;
    submission.set_name("flights");
    submission.set_artifact("sha");
    *submission.mutable_graph() = graph;
    job().Create(submission, std::nullopt,
                 [](const absl::Status& status) { ASSERT_TRUE(status.ok()); });
    Wait(absl::ZeroDuration());
    job().Run();
    Wait(absl::ZeroDuration());
  }
  void SubmitAndRun(bool transactional = false) {
    Submit(TestingGraph(2, transactional));
    AddTaskManager("tm-a");
    AddTaskManager("tm-b");
    Wait(absl::Seconds(1));
    ASSERT_EQ(State(), "RUNNING");
  }
  /// The leader's process dies; the TaskManagers and their workers run on.
  void LeaderDies() {
    for (auto& each : task_managers_) each->Forget();
    leader_.reset();
  }
  void Adopt(uint64_t term = 2) {
    leader_ = MakeLeader(term);
    adopted_ = absl::UnknownError("not done");
    job().Adopt([this](const absl::Status& status) { adopted_ = status; });
    Wait(absl::ZeroDuration());
    ASSERT_EQ(adopted_, absl::OkStatus());
    job().Run();
  }
  std::unique_ptr<TestingLeadership> MakeLeader(uint64_t term) {
    return std::make_unique<TestingLeadership>(
        term,
        TestingLeadership::World{executor_, clock_, pool_, files_, random_, layout_, options_});
  }
  void Reconnect(TestingTaskManager& task_manager) {
    task_manager.Connect(leader_->registry);
    Wait(absl::ZeroDuration());
  }

  void Wait(absl::Duration duration) { executor_.Advance(duration); }
  JobMaster& job() { return *leader_->master; }
  std::string State() { return job().Summary().state(); }
  std::string Reason() { return job().Summary().reason(); }
  uint64_t generation() { return job().history().generation().value(); }
  uint64_t NewestOwned() { return job().history().newest_owned()->checkpoint.epoch(); }
  TestingTaskManager& tm(size_t index) { return *task_managers_[index]; }
  TestingWorker& worker(size_t index) { return tm(index).only_worker(); }
  std::string WorkerIdOf(size_t index) { return worker(index).spec.worker(); }

  std::vector<proto::JobLogEntry> Entries() {
    std::vector<proto::JobLogEntry> entries;
    for (const std::string& path : files_.memory.Paths()) {
      if (!absl::StrContains(path, "/log/")) continue;
      entries.emplace_back();
      EXPECT_TRUE(entries.back().ParseFromString(
          UnframeChecked(files_.memory.Read(path).value(), path).value()));
    }
    return entries;
  }
  proto::JobLogEntry LastOf(proto::JobLogEntry::KindCase kind) {
    proto::JobLogEntry last;
    for (const proto::JobLogEntry& entry : Entries()) {
      if (entry.kind_case() == kind) last = entry;
    }
    return last;
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StorageLayout layout_{"/w", "east"};
  JobOptions options_;
  WorkerBehavior behavior_;
  std::unique_ptr<TestingLeadership> leader_;
  std::deque<std::unique_ptr<TestingTaskManager>> task_managers_;
  absl::Status adopted_;
};

}  // namespace weir::jobmanager
