// The part of JobMaster that tells of the job: what list, describe and checkpoint list show.
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/graph/job_graph.h"
#include "jobmanager/job/job_master.h"

namespace weir::jobmanager {

proto::JobSummary JobMaster::Summary() const {
  proto::JobSummary summary;
  summary.set_job(job_.value());
  summary.set_name(history().submission().name());
  summary.set_state(std::string(JobStateName(state_)));
  summary.set_generation(history().generation().value());
  summary.set_submitted_at_ms(history().submission().submitted_at_ms());
  summary.set_restarts(history().restarts());
  summary.set_reason(reason_);
  return summary;
}

proto::JobDetails JobMaster::Details() const {
  proto::JobDetails details;
  *details.mutable_summary() = Summary();
  *details.mutable_graph() = history().submission().graph();
  *details.mutable_configuration() = history().submission().configuration();
  for (const auto& [id, worker] : workers_) {
    proto::WorkerDetails* one = details.add_workers();
    one->set_worker(id.value());
    one->set_pid(worker.pid);
    one->set_task_manager(worker.task_manager.value());
    one->set_state(worker.connected ? "CONNECTED" : "STARTING");
    one->set_resident_bytes(worker.resident_bytes);
    for (const std::string& stall : worker.stalls) details.add_notes(stall);
  }
  if (const proto::JobSubmitted& origin = history().submission(); !origin.from_job().empty()) {
    details.add_notes(absl::StrCat("started from the checkpoint of epoch ", origin.from_epoch(),
                                   " of job ", origin.from_job()));
    if (!origin.left_out().empty()) {
      details.add_notes(absl::StrCat("the state of operator ",
                                     absl::StrJoin(origin.left_out(), ", "),
                                     " was left out (--allow-non-restored)"));
    }
  }
  if (!last_failure_.empty() && reason_.empty()) {
    details.add_notes(absl::StrCat("the last failure was at ", last_failure_));
  }
  if (execution_ != nullptr) execution_->Describe(&details);
  if (details.tasks().empty()) {
    for (const proto::TaskDetails& task : last_tasks_) {
      proto::TaskDetails* one = details.add_tasks();
      *one = task;
      one->set_state("ENDED");
    }
  }
  if (coordinator_ != nullptr) *details.mutable_checkpoints() = coordinator_->statistics().Counts();
  return details;
}

absl::StatusOr<proto::CheckpointDetails> JobMaster::Checkpoint(Epoch epoch) const {
  std::optional<proto::CheckpointDetails> details;
  if (coordinator_ != nullptr) details = coordinator_->statistics().Details(epoch);
  if (!details.has_value()) {
    // Of a former leader, without its subtasks.
    const proto::ListCheckpointsResponse all = Checkpoints();
    for (const proto::CheckpointDetails& one : all.checkpoints()) {
      if (one.epoch() == epoch.value()) details = one;
    }
  }
  if (!details.has_value()) {
    return absl::NotFoundError(absl::StrCat("job ", job_.value(), " has no checkpoint of epoch ",
                                            epoch.value(), " among those it knows"));
  }
  for (proto::SubtaskCheckpoint& one : *details->mutable_subtasks()) {
    const proto::JobVertex* vertex =
        FindVertex(history().submission().graph(), VertexId(one.vertex()));
    if (vertex != nullptr) one.set_name(vertex->name());
  }
  return *std::move(details);
}

proto::ListCheckpointsResponse JobMaster::Checkpoints() const {
  proto::ListCheckpointsResponse response;
  if (coordinator_ != nullptr) {
    *response.mutable_counts() = coordinator_->statistics().Counts();
    coordinator_->statistics().FillDetails(&response);
  }
  // Those of former leaders, as far as they are there.
  std::set<uint64_t> told;
  for (const proto::CheckpointDetails& one : response.checkpoints()) told.insert(one.epoch());
  for (auto it = history().owned().rbegin(); it != history().owned().rend(); ++it) {
    const proto::CheckpointOwned& owned = it->second.checkpoint;
    if (told.count(owned.epoch()) > 0) continue;
    proto::CheckpointDetails* one = response.add_checkpoints();
    one->set_epoch(owned.epoch());
    one->set_generation(owned.generation());
    one->set_term(it->second.term.value());
    one->set_state("COMPLETED");
    one->set_committed(!history().AwaitsReceipt(it->first));
  }
  return response;
}

}  // namespace weir::jobmanager
