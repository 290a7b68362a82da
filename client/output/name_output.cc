#include "absl/strings/str_cat.h"

#include "client/output/output.h"

namespace weir::cli {

std::string AsNames(const proto::JobSummary& job) { return absl::StrCat("job/", job.job(), "\n"); }

std::string AsNames(const proto::ListJobsResponse& jobs) {
  std::string names;
  for (const proto::JobSummary& job : jobs.jobs()) absl::StrAppend(&names, AsNames(job));
  return names;
}

std::string AsNames(const proto::JobDetails& job) { return AsNames(job.summary()); }

std::string AsNames(const proto::JobEvent& event) {
  if (event.kind() == proto::JobEvent::STATE) return AsNames(event.job());
  return absl::StrCat("checkpoint/", event.checkpoint().epoch(), "\n");
}

std::string AsNames(const proto::WorkerLog& log) {
  return absl::StrCat("worker/", log.worker(), "\n");
}

std::string AsNames(const proto::CheckpointDetails& checkpoint) {
  return absl::StrCat("checkpoint/", checkpoint.epoch(), "\n");
}

std::string AsNames(const proto::ListCheckpointsResponse& checkpoints) {
  std::string names;
  for (const proto::CheckpointDetails& checkpoint : checkpoints.checkpoints()) {
    absl::StrAppend(&names, "checkpoint/", checkpoint.epoch(), "\n");
  }
  return names;
}

std::string AsNames(const proto::TransactionsResponse& response) {
  std::string names;
  for (const proto::SinkTransaction& one : response.transactions()) {
    absl::StrAppend(&names, "transaction/", one.transactional_id(), "\n");
  }
  return names;
}

std::string AsNames(const TransactionAnswer& answer) {
  return absl::StrCat("transaction/", answer.transactional_id, "\n");
}

std::string AsNames(const proto::ClusterDetails& cluster) {
  return absl::StrCat("cluster/", cluster.cluster_id(), "\n");
}

std::string AsNames(const TaskManagerList& list) {
  std::string names;
  for (const proto::TaskManagerDetails& manager : list.cluster.task_managers()) {
    absl::StrAppend(&names, "tm/", manager.task_manager(), "\n");
  }
  return names;
}

std::string AsNames(const proto::JobGraph& graph) {
  return absl::StrCat("job/", graph.job_name(), "\n");
}

}  // namespace weir::cli
