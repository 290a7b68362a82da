// The JSON of the CLI, to the letter: scripts depend on it. Keys may be added, never changed.

#include "client/output/output.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

using testing::HasSubstr;

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
  EXPECT_EQ(AsJson(jobs), R"json({
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

proto::JobDetails Job() {
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
  proto::SinkMetrics* sink = task->add_sinks();
  sink->set_sink_uid("copies");
  (*sink->mutable_values())["transactionSlotsOpen"] = 1;
  (*sink->mutable_values())["oldestPendingTransactionAgeMs"] = 1500;
  proto::OperatorCounts* counts = task->add_operators();
  counts->set_uid("parse");
  counts->set_name("Parse");
  counts->set_records_in(10);
  counts->set_records_out(5);
  counts->set_filtered(2);
  counts->set_dead_lettered(3);
  (*job.mutable_configuration())["checkpoint.interval"] = "500ms";
  return job;
}

TEST(JsonOutput, Job) {
  EXPECT_EQ(AsJson(Job()), R"json({
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
      ],
      "sinks": [
        {
          "uid": "copies",
          "metrics": {
            "oldestPendingTransactionAgeMs": 1500.0,
            "transactionSlotsOpen": 1.0
          }
        }
      ],
      "operators": [
        {
          "uid": "parse",
          "name": "Parse",
          "records_in": 10,
          "records_out": 5,
          "filtered": 2,
          "late": 0,
          "skipped": 0,
          "dead_lettered": 3
        }
      ]
    }
  ],
  "sinks": [],
  "notes": [],
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
  EXPECT_EQ(AsJson(checkpoints), R"json({
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

proto::CheckpointDetails DescribedCheckpoint() {
  proto::CheckpointDetails checkpoint;
  checkpoint.set_epoch(4);
  checkpoint.set_generation(2);
  checkpoint.set_term(1);
  checkpoint.set_state("COMPLETED");
  checkpoint.set_triggered_at_ms(1'700'000'000'000);
  checkpoint.set_duration_ms(12);
  checkpoint.set_state_bytes(345);
  proto::SubtaskCheckpoint* one = checkpoint.add_subtasks();
  one->set_vertex(2);
  one->set_index(1);
  one->set_name("count");
  one->set_end_to_end_us(11'500);
  one->set_alignment_us(2'000);
  one->set_sync_us(300);
  one->set_prepare_us(40);
  one->set_async_us(5'000);
  one->set_written_bytes(100);
  one->set_state_bytes(340);
  return checkpoint;
}

TEST(JsonOutput, OneCheckpoint) {
  EXPECT_EQ(AsJson(DescribedCheckpoint()), R"json({
  "epoch": 4,
  "generation": 2,
  "term": 1,
  "state": "COMPLETED",
  "triggered_at": "2023-11-14T22:13:20.000Z",
  "duration_ms": 12,
  "state_bytes": 345,
  "committed": false,
  "failure": "",
  "subtasks": [
    {
      "vertex": 2,
      "index": 1,
      "name": "count",
      "end_to_end_us": 11500,
      "alignment_us": 2000,
      "sync_us": 300,
      "prepare_us": 40,
      "async_us": 5000,
      "written_bytes": 100,
      "state_bytes": 340
    }
  ]
}
)json");
}

TEST(TableOutput, OneCheckpoint) {
  EXPECT_EQ(AsTable(DescribedCheckpoint(), {}),
            "Checkpoint 4 (COMPLETED, generation 2, committed: no): triggered "
            "2023-11-14 22:13:20 UTC, 12 ms, 345 B\n"
            "\n"
            "TASK  NAME   END TO END  ALIGNMENT  SYNC    PREPARE  ASYNC   WRITTEN  STATE\n"
            "2.1   count  11.5 ms     2.0 ms     0.3 ms  0.0 ms   5.0 ms  100 B    340 B\n");
}

proto::TransactionsResponse Transactions() {
  proto::TransactionsResponse response;
  proto::SinkTransaction* open = response.add_transactions();
  open->set_sink_uid("copies");
  open->set_prefix("p");
  open->set_transactional_id("p~5~0~1");
  open->set_state("Ongoing");
  open->set_producer_id(7001);
  open->set_producer_epoch(2);
  open->set_fence(5);
  open->set_subtask(0);
  open->set_slot(1);
  open->set_age_ms(1250);
  open->set_timeout_ms(900000);
  open->set_marker_epoch(12);
  open->set_kind("CURRENT");
  open->set_meaning("open in the running generation");
  proto::SinkTransaction* owner = response.add_transactions();
  owner->set_sink_uid("copies");
  owner->set_prefix("p");
  owner->set_transactional_id("p~owner");
  owner->set_state("CompleteCommit");
  owner->set_timeout_ms(60000);
  owner->set_kind("OWNER");
  owner->set_meaning("owner record, of job job-1");
  return response;
}

TEST(JsonOutput, Transactions) {
  EXPECT_EQ(AsJson(Transactions()), R"json({
  "transactions": [
    {
      "sink": "copies",
      "prefix": "p",
      "transactional_id": "p~5~0~1",
      "kind": "CURRENT",
      "meaning": "open in the running generation",
      "state": "Ongoing",
      "producer_id": 7001,
      "producer_epoch": 2,
      "fence": 5,
      "subtask": 0,
      "slot": 1,
      "age_ms": 1250,
      "timeout_ms": 900000,
      "marker_epoch": 12
    },
    {
      "sink": "copies",
      "prefix": "p",
      "transactional_id": "p~owner",
      "kind": "OWNER",
      "meaning": "owner record, of job job-1",
      "state": "CompleteCommit",
      "producer_id": 0,
      "producer_epoch": 0,
      "fence": null,
      "subtask": null,
      "slot": null,
      "age_ms": null,
      "timeout_ms": 60000,
      "marker_epoch": null
    }
  ],
  "sentences": []
}
)json");
}

TEST(JsonOutput, Sentences) {
  proto::TransactionsResponse response;
  response.add_sentences("The prefix is free.");
  EXPECT_EQ(AsJson(response), R"json({
  "transactions": [],
  "sentences": [
    "The prefix is free."
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
  EXPECT_EQ(AsJson(cluster), R"json({
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
  EXPECT_NE(AsJson(job).find("\xEF\xBF\xBD"), std::string::npos);
}

TEST(TableOutput, Transactions) {
  const std::string table = AsTable(Transactions(), OutputStyle());
  EXPECT_THAT(table,
              HasSubstr("p~5~0~1           CURRENT  Ongoing         7001:2    5      0        "
                        "1     1.2s  900.0s   epoch 12  open in the running generation\n"));
  EXPECT_THAT(table,
              HasSubstr("p~owner           OWNER    CompleteCommit  0:0       -      -        "
                        "-     -     60.0s    -         owner record, of job job-1\n"));
}

// The oldest and the slowest of all tasks, and the sum of what is counted.
TEST(TableOutput, ALineForEachTransactionalSink) {
  proto::JobDetails job;
  for (const double factor : {1.0, 2.0}) {
    proto::TaskDetails* task = job.add_tasks();
    proto::SinkMetrics* sink = task->add_sinks();
    sink->set_sink_uid("copies");
    auto& values = *sink->mutable_values();
    values["oldestPendingTransactionAgeMs"] = 1500 * factor;
    values["oldestPendingTransactionTimeoutRatio"] = 0.02 * factor;
    values["transactionTimeoutMs"] = 60000;
    values["committedTransactions"] = 3 * factor;
    values["lastCommitLatencyMs"] = 5 * factor;
    values["maxCommitLatencyMs"] = 40;
    values["transactionSlotsOpen"] = 1;
    values["transactionSlotsReady"] = 1;
    values["transactionSlotsWarming"] = 0;
  }
  const std::string line =
      "Sink 'copies': oldest open transaction 3.0s of 60.0s (4 %), 9 committed, last commit 10 ms, "
      "longest 40 ms, slots: 2 open, 2 ready\n";
  EXPECT_THAT(AsTable(job, OutputStyle()), HasSubstr(line));
  proto::SinkMetrics* committer = job.add_sinks();
  committer->set_sink_uid("copies");
  (*committer->mutable_values())["replays"] = 2;
  (*committer->mutable_values())["replayedRecords"] = 30;
  EXPECT_THAT(AsTable(job, OutputStyle()),
              HasSubstr("longest 40 ms, 2 replays of 30 records, slots"));
}

TEST(TableOutput, ColumnsAreAligned) {
  proto::ListJobsResponse jobs;
  *jobs.add_jobs() = Summary();
  EXPECT_EQ(AsTable(jobs, OutputStyle()),
            "JOB    NAME     STATE    GENERATION  RESTARTS  SUBMITTED\n"
            "job-1  flights  RUNNING  2           1         2023-11-14 22:13:20 UTC\n");
}

OutputStyle Wide() {
  OutputStyle style;
  style.format = OutputFormat::kWide;
  return style;
}

TEST(TableOutput, WideHasMoreColumns) {
  proto::ListJobsResponse jobs;
  *jobs.add_jobs() = Summary();
  EXPECT_THAT(AsTable(jobs, Wide()), HasSubstr("UTC  worker w1 was killed by signal 9 (SIGKILL)"));
  EXPECT_THAT(AsTable(Job(), Wide()), HasSubstr("checkpoint.interval  500ms"));
  EXPECT_THAT(AsTable(Transactions(), Wide()), HasSubstr("copies  p\n"));
}

TEST(NameOutput, IdsForScripts) {
  proto::ListJobsResponse jobs;
  *jobs.add_jobs() = Summary();
  *jobs.add_jobs() = Summary();
  EXPECT_EQ(AsNames(jobs), "job/job-1\njob/job-1\n");
  EXPECT_EQ(AsNames(Job()), "job/job-1\n");
  EXPECT_EQ(AsNames(Transactions()), "transaction/p~5~0~1\ntransaction/p~owner\n");
}

TEST(YamlOutput, IsTheJsonsDocument) {
  OutputStyle yaml;
  yaml.format = OutputFormat::kYaml;
  EXPECT_EQ(Rendered(Summary(), yaml),
            "job_id: job-1\n"
            "name: flights\n"
            "state: RUNNING\n"
            "generation: 2\n"
            "restarts: 1\n"
            "reason: \"worker w1 was killed by signal 9 (SIGKILL)\"\n"
            "submitted_at: \"2023-11-14T22:13:20.123Z\"\n");
}

TEST(TableOutput, APlanShowsWhatStateIsKeyedBy) {
  proto::JobGraph graph;
  for (const char* name : {"flights -> late", "airports"}) {
    proto::JobVertex* vertex = graph.add_vertices();
    vertex->set_id(static_cast<uint64_t>(graph.vertices_size()));
    vertex->set_name(name);
    vertex->set_parallelism(2);
    vertex->add_operators()->set_uid(name);
  }
  (*graph.mutable_vertices(0)->mutable_operators(0)->mutable_configuration())["keying"] =
      "aligned with topic 'flights', 4 partitions by murmur2 of route: string";
  proto::JobEdge* edge = graph.add_edges();
  edge->set_source_vertex(1);
  edge->set_target_vertex(2);
  edge->set_exchange(proto::JobEdge::HASH);
  edge->set_key("origin: string");
  const std::string table = AsTable(graph, OutputStyle());
  EXPECT_THAT(table,
              HasSubstr("flights -> late  -       aligned with topic 'flights', 4 partitions "
                        "by murmur2 of route: string\n"));
  EXPECT_THAT(table, HasSubstr("airports         1       origin: string, by hash\n"));
}

}  // namespace
}  // namespace weir::cli
