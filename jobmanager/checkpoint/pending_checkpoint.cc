#include "jobmanager/checkpoint/pending_checkpoint.h"

#include "state/checkpoint/operator_objects.h"
#include "state/checkpoint/state_object_store.h"

namespace weir::jobmanager {

PendingCheckpoint::PendingCheckpoint(Epoch epoch, LeaderTerm term, bool final,
                                     const std::vector<SubtaskId>& tasks, absl::Duration now)
    : epoch_(epoch),
      term_(term),
      final_(final),
      started_(now),
      waiting_(tasks.begin(), tasks.end()) {}

proto::CheckpointTrigger PendingCheckpoint::Trigger() const {
  proto::CheckpointTrigger trigger;
  trigger.set_epoch(epoch_.value());
  trigger.set_attempt_term(term_.value());
  trigger.set_final(final_);
  trigger.set_suspends(suspends_);
  return trigger;
}

void PendingCheckpoint::OnAnswer(const proto::CheckpointAnswer& answer, absl::Duration now) {
  for (const proto::TaskSnapshot& snapshot : answer.snapshots()) {
    const SubtaskId task{VertexId(snapshot.vertex()), snapshot.index()};
    if (waiting_.erase(task) > 0) snapshots_[task] = snapshot;
  }
  for (const proto::SubtaskCheckpoint& one : answer.statistics()) {
    const auto [entry, first] =
        statistics_.try_emplace(SubtaskId{VertexId(one.vertex()), one.index()}, one);
    if (first) entry->second.set_end_to_end_us(absl::ToInt64Microseconds(now - started_));
  }
}

void PendingCheckpoint::FillManifest(proto::CheckpointManifest* manifest) const {
  for (const auto& [task, snapshot] : snapshots_) *manifest->add_tasks() = snapshot;
}

std::vector<std::string> PendingCheckpoint::Blobs() const {
  proto::CheckpointManifest manifest;
  FillManifest(&manifest);
  return StateObjectStore::OwnBlobs(manifest);
}

std::vector<proto::SubtaskCheckpoint> PendingCheckpoint::Statistics() const {
  std::vector<proto::SubtaskCheckpoint> all;
  for (const auto& [task, one] : statistics_) all.push_back(one);
  return all;
}

uint64_t PendingCheckpoint::StateBytes() const {
  uint64_t bytes = 0;
  for (const auto& [task, snapshot] : snapshots_) {
    bytes += snapshot.ByteSizeLong();
    for (const proto::OperatorSnapshot& one : snapshot.operators()) {
      for (const proto::StateObject* object : OwnObjects(one)) {
        if (!object->blob().empty()) bytes += object->size_bytes();
      }
      for (const proto::StateFile& file : one.files()) {
        if (!file.reused()) bytes += file.object().size_bytes();
      }
    }
  }
  return bytes;
}

}  // namespace weir::jobmanager
