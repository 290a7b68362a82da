#include "taskmanager/worker/checkpoint_answers.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/graph/job_graph.h"
#include "common/graph/key_group_tables.h"
#include "state/checkpoint/operator_objects.h"

namespace weir::taskmanager {

void TellLayout(const proto::Deployment& deployment, proto::TaskSnapshot* snapshot) {
  const VertexId vertex(snapshot->vertex());
  snapshot->set_parallelism(ParallelismOf(deployment.graph(), vertex));
  const proto::KeyGroupTable* table = FindKeyGroupTable(deployment.key_groups(), vertex);
  if (table == nullptr) return;
  uint32_t first = 0;
  for (const proto::KeyGroupSpan& span : table->spans()) {
    if (span.subtask() == snapshot->index()) {
      snapshot->mutable_key_groups()->set_first(first);
      snapshot->mutable_key_groups()->set_end(span.end());
    }
    first = span.end();
  }
}

proto::SubtaskCheckpoint StatisticsOf(SubtaskId task, const SnapshotTimes& times) {
  proto::SubtaskCheckpoint statistics;
  statistics.set_vertex(task.vertex.value());
  statistics.set_index(task.index);
  statistics.set_alignment_us(absl::ToInt64Microseconds(times.alignment));
  statistics.set_sync_us(absl::ToInt64Microseconds(times.sync));
  statistics.set_prepare_us(absl::ToInt64Microseconds(times.prepare));
  return statistics;
}

void AddSizes(const proto::TaskSnapshot& snapshot, proto::SubtaskCheckpoint* statistics) {
  uint64_t written = snapshot.ByteSizeLong();
  uint64_t reused = 0;
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    for (const proto::StateObject* object : OwnObjects(one)) {
      if (!object->blob().empty()) written += object->size_bytes();
    }
    for (const proto::StateFile& file : one.files()) {
      (file.reused() ? reused : written) += file.object().size_bytes();
    }
  }
  statistics->set_written_bytes(written);
  statistics->set_state_bytes(written + reused);
}

namespace {

// What the leader has to delete.
proto::TaskSnapshot ObjectsOf(const proto::TaskSnapshot& snapshot) {
  proto::TaskSnapshot objects;
  objects.set_vertex(snapshot.vertex());
  objects.set_index(snapshot.index());
  for (const proto::OperatorSnapshot& one : snapshot.operators()) {
    proto::OperatorSnapshot* to = objects.add_operators();
    to->set_uid(one.uid());
    if (one.has_state()) *to->mutable_state() = one.state();
    if (one.has_operator_state()) *to->mutable_operator_state() = one.operator_state();
    for (proto::StateObject* object : MutableOwnObjects(to)) object->clear_inlined();
    *to->mutable_files() = one.files();
  }
  return objects;
}

}  // namespace

size_t CheckpointAnswers::Add(const Barrier& barrier, WrittenSnapshot written) {
  proto::CheckpointAnswer& answer = answers_[{barrier.epoch, barrier.attempt}];
  answer.set_epoch(barrier.epoch.value());
  answer.set_attempt_term(barrier.attempt.value());
  if (!written.status.ok()) {
    answer.set_declined(
        absl::StrCat("declined by worker ", worker_.value(), ": ", written.status.message()));
  }
  if (written.status.ok()) {
    *answer.add_snapshots() = std::move(written.snapshot);
    *answer.add_statistics() = std::move(written.statistics);
  } else if (written.snapshot.operators_size() > 0) {
    *answer.add_snapshots() = ObjectsOf(written.snapshot);
  }
  return static_cast<size_t>(answer.snapshots_size());
}

void CheckpointAnswers::OnDirective(const proto::WorkerDirective& directive) {
  if (directive.has_trigger()) {
    newest_trigger_ = std::max(newest_trigger_, Epoch(directive.trigger().epoch()));
  }
  for (auto it = answers_.begin(); it != answers_.end();) {
    const bool wanted =
        it->first.first > newest_trigger_ ||  // the barrier came from another task
        (directive.has_trigger() && it->first.first == Epoch(directive.trigger().epoch()) &&
         it->first.second == LeaderTerm(directive.trigger().attempt_term()));
    it = wanted ? std::next(it) : answers_.erase(it);
  }
}

void CheckpointAnswers::FillReport(proto::WorkerReport* report) const {
  for (const auto& [attempt, answer] : answers_) *report->add_answers() = answer;
}

void CheckpointAnswers::Clear() {
  answers_.clear();
  newest_trigger_ = Epoch();
}

}  // namespace weir::taskmanager
