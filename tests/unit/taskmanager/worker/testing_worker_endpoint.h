#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "taskmanager/task/executor_task_host.h"
#include "taskmanager/worker/worker_endpoint.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"
#include "tests/unit/taskmanager/worker/testing_worker_parts.h"

namespace weir::taskmanager {

/// A WorkerEndpoint "w-1" of job "j" with tasks, storage and leader of the test, in virtual time.
class WorkerEndpointTest : public ::testing::Test {
 protected:
  static constexpr absl::Duration kHeartbeat = absl::Milliseconds(200);

  explicit WorkerEndpointTest(absl::Duration heartbeat = kHeartbeat) {
    EXPECT_TRUE(files_.MakeDirectory("/jobs/j").ok());
    EXPECT_TRUE(files_.memory.Replace("/jobs/j/probe", "j").ok());
    MakeEndpoint(heartbeat);
  }

  /// Of `job_` as it is; the one before is gone.
  void MakeEndpoint(absl::Duration heartbeat = kHeartbeat) {
    WorkerEndpoint::Options options;
    options.heartbeat_interval = heartbeat;
    options.host = "node-1";
    endpoint_ = std::make_unique<WorkerEndpoint>(
        WorkerId("w-1"), JobId("j"), job_.graph, job_.plan, options,
        WorkerEndpoint::Dependencies{
            clock_, executor_, pool_, files_,
            [this](uint32_t slot) -> TaskHost& {
              auto& host = hosts_[slot];
              if (host == nullptr) {
                host = std::make_unique<ExecutorTaskHost>(executor_, clock_,
                                                          ExecutorTaskHost::Options());
              }
              return *host;
            },
            [this](proto::Envelope envelope) { sent_.push_back(std::move(envelope)); },
            [] { return uint64_t{4096}; }});
  }

  /// An empty directive of the leader of term 1.
  proto::Envelope DirectiveOf(uint64_t generation) {
    proto::Envelope envelope;
    proto::Header* header = envelope.mutable_header();
    header->set_addressee("w-1");
    header->set_job("j");
    header->set_term(1);
    header->set_term_nonce("n1");
    header->set_sender("jm-1");
    header->set_sequence(++sequence_);
    header->set_generation(generation);
    envelope.mutable_worker_directive();
    return envelope;
  }
  proto::Deployment DeploymentOf() {
    proto::Deployment deployment;
    *deployment.mutable_graph() = job_.plan;
    proto::TaskDeployment* task = deployment.add_tasks();
    task->set_vertex(1);
    deployment.add_slot_workers("w-1");
    deployment.set_coordinator(true);
    deployment.set_probe_object("/jobs/j/probe");
    deployment.set_probe_nonce("j");
    deployment.set_storage_root("/jobs/j");
    deployment.set_inline_state_max_bytes(4);
    return deployment;
  }
  proto::Envelope DeployOf(uint64_t generation) {
    proto::Envelope envelope = DirectiveOf(generation);
    *envelope.mutable_worker_directive()->mutable_deployment() = DeploymentOf();
    return envelope;
  }
  proto::Envelope RunOf(uint64_t generation) {
    proto::Envelope envelope = DirectiveOf(generation);
    envelope.mutable_worker_directive()->set_run(true);
    for (const proto::SplitAssignment& assignment : Report().new_assignments()) {
      *envelope.mutable_worker_directive()->add_assignments() = assignment;
    }
    return envelope;
  }
  proto::Envelope TriggerOf(uint64_t generation, uint64_t epoch, uint64_t term = 1) {
    proto::Envelope envelope = RunOf(generation);
    proto::CheckpointTrigger* trigger = envelope.mutable_worker_directive()->mutable_trigger();
    trigger->set_epoch(epoch);
    trigger->set_attempt_term(term);
    return envelope;
  }
  void Send(const proto::Envelope& envelope) {
    endpoint_->OnEnvelope(envelope);
    executor_.RunReady();
  }
  void Deploy(uint64_t generation = 1) { Send(DeployOf(generation)); }
  /// Deployed, and told to run.
  void Run(uint64_t generation = 1) {
    Deploy(generation);
    Send(RunOf(generation));
    ASSERT_EQ(Report().state(), proto::WorkerReport::RUNNING);
  }
  void Beat() { executor_.Advance(kHeartbeat); }

  const proto::WorkerReport& Report() { return sent_.back().worker_report(); }
  const proto::Header& ReportHeader() { return sent_.back().header(); }
  std::string State() {
    return sent_.empty() ? "" : proto::WorkerReport::State_Name(Report().state());
  }

  TestingJob job_;
  TestingFileSystem files_;
  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  std::vector<proto::Envelope> sent_;
  uint64_t sequence_ = 0;
  std::unique_ptr<WorkerEndpoint> endpoint_;
  std::map<uint32_t, std::unique_ptr<ExecutorTaskHost>> hosts_;  // stop before the endpoint goes
};

}  // namespace weir::taskmanager
