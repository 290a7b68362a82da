#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "taskmanager/agent/task_manager.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir::taskmanager {

/// Remembers what it is to start and kill; the test says how that goes.
class TestingLauncher final : public WorkerLauncher {
 public:
  void Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
              std::function<void(const std::string& reason)> exited) override {
    launched.push_back(spec.worker());
    starts[spec.worker()] = std::move(started);
    exits[spec.worker()] = std::move(exited);
  }
  void Kill(const WorkerId& worker) override { killed.push_back(worker.value()); }
  void End(const WorkerId& worker) override { ended.push_back(worker.value()); }
  void Plan(const proto::RunPlanner& request,
            std::function<void(absl::StatusOr<proto::JobGraph>)> done) override {
    planned.push_back(request.artifact());
    done(plan);
  }
  void Inspect(const proto::RunTransactions& request,
               std::function<void(absl::StatusOr<proto::TransactionsResult>)> done) override {
    inspected.push_back(request.artifact());
    done(inspection);
  }

  void ReadLogs(const proto::ReadWorkerLogs& request,
                std::function<void(absl::StatusOr<WorkerLogs>)> done) override {
    logs_of.push_back(request.job());
    done(logs);
  }

  std::vector<std::string> launched;
  std::vector<std::string> killed;
  std::vector<std::string> ended;
  std::vector<std::string> planned;
  std::vector<std::string> inspected;
  std::vector<std::string> logs_of;
  absl::StatusOr<WorkerLogs> logs = WorkerLogs();
  std::map<std::string, std::function<void(uint64_t)>> starts;
  std::map<std::string, std::function<void(const std::string&)>> exits;
  absl::StatusOr<proto::JobGraph> plan = proto::JobGraph();
  absl::StatusOr<proto::TransactionsResult> inspection = proto::TransactionsResult();
};

/// The TaskManager's end of one worker's stream.
struct TestingWorkerStream {
  TaskManager::StreamId id = 0;
  std::vector<proto::Envelope> received;
  bool closed = false;
};

/// A TaskManager "tm-1" whose leader, launcher, workers and storage are the test.
class TaskManagerTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kHeartbeat = absl::Milliseconds(200);

  TaskManagerTest() {
    TaskManager::Options options;
    options.id = TaskManagerId("tm-1");
    options.node = "node-1";
    options.host = "host-1";
    options.cluster = "east";
    options.storage_root = "/w";
    options.slots = 2;
    options.heartbeat_interval = kHeartbeat;
    EXPECT_TRUE(files_.MakeDirectory("/w/east/probe").ok());
    EXPECT_TRUE(files_.memory.Replace("/w/east/probe/3-n3", "n3").ok());
    task_manager_ = std::make_unique<TaskManager>(
        options, TaskManager::Dependencies{
                     clock_, executor_, pool_, files_, launcher_,
                     [this](proto::Envelope envelope) { sent_.push_back(std::move(envelope)); },
                     [this](const std::string& address, const std::string&) {
                       moved_on_.push_back(address);
                     },
                     [this] { ++confirmed_; }, [this](const absl::Status& why) { fatal_ = why; }});
  }

  /// From the leader of term 3.
  proto::Envelope FromLeader(uint64_t term = 3) {
    proto::Envelope envelope;
    proto::Header* header = envelope.mutable_header();
    header->set_cluster("east");
    header->set_term(term);
    header->set_term_nonce("n" + std::to_string(term));
    header->set_sender("jm-" + std::to_string(term));
    header->set_addressee("tm-1");
    header->set_sequence(++sequence_);
    return envelope;
  }
  proto::Envelope ReplyOf(bool accepted, uint64_t term = 3) {
    proto::Envelope envelope = FromLeader(term);
    proto::RegistrationReply* reply = envelope.mutable_registration_reply();
    reply->set_accepted(accepted);
    reply->set_probe_path("east/probe/" + std::to_string(term) + "-n" + std::to_string(term));
    return envelope;
  }
  proto::Envelope DirectiveOf(const std::vector<std::string>& workers) {
    proto::Envelope envelope = FromLeader();
    proto::TaskManagerDirective* directive = envelope.mutable_task_manager_directive();
    for (const std::string& worker : workers) {
      directive->add_workers()->set_worker(worker);
      directive->mutable_workers(directive->workers_size() - 1)->set_job("j");
    }
    return envelope;
  }
  void Hear(const proto::Envelope& envelope) {
    task_manager_->OnLeaderMessage(envelope);
    executor_.RunReady();
  }
  void Connect() {
    task_manager_->OnLeaderStreamUp();
    executor_.RunReady();
  }
  void Register(uint64_t term = 3) {
    Connect();
    Hear(ReplyOf(false, term));
    Hear(ReplyOf(true, term));
  }
  TestingWorkerStream& ConnectWorker(const std::string& worker) {
    TestingWorkerStream& stream = streams_.emplace_back();
    stream.id = task_manager_->OnWorkerStreamUp(
        [&stream](proto::Envelope envelope) { stream.received.push_back(std::move(envelope)); },
        [&stream] { stream.closed = true; });
    proto::Envelope hello;
    hello.mutable_worker_hello()->set_worker(worker);
    hello.mutable_worker_hello()->set_pid(77);
    task_manager_->OnWorkerMessage(stream.id, hello);
    return stream;
  }

  const proto::RegisterTaskManager& LastRegistration() { return sent_.back().register_(); }
  const proto::TaskManagerReport& LastReport() { return sent_.back().task_manager_report(); }
  const proto::WorkerStatus& LastStatus() { return LastReport().workers(0); }

  TestingFileSystem files_;
  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  TestingLauncher launcher_;
  std::vector<proto::Envelope> sent_;
  std::vector<std::string> moved_on_;
  int confirmed_ = 0;
  absl::Status fatal_;
  uint64_t sequence_ = 0;
  std::deque<TestingWorkerStream> streams_;
  std::unique_ptr<TaskManager> task_manager_;
};

}  // namespace weir::taskmanager
