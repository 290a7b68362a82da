// The JSON of the CLI, to the letter: scripts depend on it. Keys may be added, never changed.

#include "client/cli/output.h"

#include <gtest/gtest.h>

namespace weir::cli {
namespace {

proto::JobSummary Summary() {
  proto::JobSummary job;
  job.set_job("job-1");
  job.set_name("flights");
  job.set_state("RUNNING");
  job.set_generation(2);
  job.set_restarts(1);
  job.set_reason("worker w1 was killed by signal 9 (SIGKILL)");
  job.set_submitted_at_ms(1'700'000'000'123);
  return job;
}

proto::CheckpointCounts Counts() {
  proto::CheckpointCounts counts;
  counts.set_triggered(5);
  counts.set_completed(3);
  counts.set_failed(1);
  counts.set_latest_epoch(4);
  return counts;
}

TEST(JsonOutput, Jobs) {
  proto::ListJobsResponse jobs;
  *jobs.add_jobs() = Summary();
  EXPECT_EQ(JobsAsJson(jobs), R"json({
  "jobs": [
    {
      "job_id": "job-1",
      "name": "flights",
      "state": "RUNNING",
      "generation": 2,
      "restarts": 1,
      "reason": "worker w1 was killed by signal 9 (SIGKILL)",
      "submitted_at": "2023-11-14T22:13:20.123Z"
    }
  ]
}
)json");
}

TEST(JsonOutput, Job) {
  proto::JobDetails job;
  *job.mutable_summary() = Summary();
  *job.mutable_checkpoints() = Counts();
  proto::WorkerDetails* worker = job.add_workers();
  worker->set_worker("w2");
  worker->set_pid(77);
  worker->set_task_manager("tm1");
  worker->set_state("CONNECTED");
  worker->set_resident_bytes(1000);
  proto::TaskDetails* task = job.add_tasks();
  task->set_vertex(1);
  task->set_name("input -> output");
  task->set_state("RUNNING");
  task->set_worker("w2");
  task->set_records_in(10);
  task->set_records_out(9);
  task->add_splits("flights-0");
  (*job.mutable_configuration())["checkpoint.interval"] = "500ms";
  EXPECT_EQ(JobAsJson(job), R"json({
  "job_id": "job-1",
  "name": "flights",
  "state": "RUNNING",
  "generation": 2,
  "restarts": 1,
  "reason": "worker w1 was killed by signal 9 (SIGKILL)",
  "submitted_at": "2023-11-14T22:13:20.123Z",
  "workers": [
    {
      "worker_id": "w2",
      "pid": 77,
      "taskmanager": "tm1",
      "state": "CONNECTED",
      "resident_bytes": 1000
    }
  ],
  "tasks": [
    {
      "vertex": 1,
      "index": 0,
      "name": "input -> output",
      "state": "RUNNING",
      "worker_id": "w2",
      "records_in": 10,
      "records_out": 9,
      "splits": [
        "flights-0"
      ]
    }
  ],
  "checkpoints": {
    "triggered": 5,
    "completed": 3,
    "failed": 1,
    "latest_epoch": 4,
    "restored_epoch": null
  },
  "configuration": {
    "checkpoint.interval": "500ms"
  }
}
)json");
}

TEST(JsonOutput, Checkpoints) {
  proto::ListCheckpointsResponse checkpoints;
  *checkpoints.mutable_counts() = Counts();
  proto::CheckpointDetails* checkpoint = checkpoints.add_checkpoints();
  checkpoint->set_epoch(4);
  checkpoint->set_generation(2);
  checkpoint->set_term(1);
  checkpoint->set_state("COMPLETED");
  checkpoint->set_triggered_at_ms(1'700'000'000'000);
  checkpoint->set_duration_ms(12);
  checkpoint->set_state_bytes(345);
  checkpoint->set_committed(true);
  EXPECT_EQ(CheckpointsAsJson(checkpoints), R"json({
  "triggered": 5,
  "completed": 3,
  "failed": 1,
  "latest_epoch": 4,
  "restored_epoch": null,
  "checkpoints": [
    {
      "epoch": 4,
      "generation": 2,
      "term": 1,
      "state": "COMPLETED",
      "triggered_at": "2023-11-14T22:13:20.000Z",
      "duration_ms": 12,
      "state_bytes": 345,
      "committed": true,
      "failure": ""
    }
  ]
}
)json");
}

TEST(JsonOutput, Cluster) {
  proto::ClusterDetails cluster;
  cluster.set_cluster_id("default");
  cluster.set_version("0.1.0");
  cluster.set_leader_address("127.0.0.1:6123");
  cluster.set_term(3);
  cluster.set_leader_pid(12);
  proto::TaskManagerDetails* manager = cluster.add_task_managers();
  manager->set_task_manager("tm1");
  manager->set_host("127.0.0.1");
  manager->set_pid(13);
  manager->set_slots(2);
  manager->set_slots_used(1);
  manager->set_state("REGISTERED");
  EXPECT_EQ(ClusterAsJson(cluster), R"json({
  "cluster_id": "default",
  "version": "0.1.0",
  "leader": {
    "address": "127.0.0.1:6123",
    "term": 3,
    "pid": 12
  },
  "taskmanagers": [
    {
      "taskmanager_id": "tm1",
      "host": "127.0.0.1",
      "pid": 13,
      "slots": 2,
      "slots_used": 1,
      "state": "REGISTERED"
    }
  ]
}
)json");
}

TEST(JsonOutput, BytesThatAreNoUtf8AreReplaced) {
  proto::JobSummary job = Summary();
  job.set_reason("\xff");
  EXPECT_NE(JobStateAsJson(job).find("\xEF\xBF\xBD"), std::string::npos);
}

TEST(TableOutput, ColumnsAreAligned) {
  proto::ListJobsResponse jobs;
  *jobs.add_jobs() = Summary();
  EXPECT_EQ(JobsAsTable(jobs),
            "JOB    NAME     STATE    GENERATION  RESTARTS  SUBMITTED\n"
            "job-1  flights  RUNNING  2           1         2023-11-14 22:13:20 UTC\n");
}

}  // namespace
}  // namespace weir::cli
