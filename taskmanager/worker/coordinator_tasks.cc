#include "taskmanager/worker/coordinator_tasks.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {

namespace {

ResumePolicy ResumePolicyFromProto(proto::ResumePolicy policy) {
  switch (policy) {
    case proto::REPLAY:
      return ResumePolicy::kReplay;
    case proto::IGNORE:
      return ResumePolicy::kIgnore;
    default:
      return ResumePolicy::kAsConfigured;
  }
}

uint32_t ParallelismOf(const std::string& uid, const proto::JobGraph& graph) {
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      if (one.uid() == uid) return vertex.parallelism();
    }
  }
  return 0;
}

}  // namespace

absl::Status CoordinatorTasks::RecoverSink(const StreamNode& node,
                                           const proto::Deployment& deployment,
                                           SinkRecovery recovery, LeaderTerm term) {
  absl::StatusOr<std::vector<std::string>> notes;
  WEIR_RETURN_IF_ERROR(
      CallPatiently(patience_, on_progress_, absl::StrCat("sink '", node.name, "'"), [&] {
        notes = node.sink->CheckTarget();
        return notes.status();
      }));
  for (const std::string& note : *notes) {
    notes_.push_back(absl::StrCat("sink '", node.name, "': ", note));
  }
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<SinkCommitter> committer, node.sink->MakeCommitter());
  if (committer == nullptr) return absl::OkStatus();
  recovery.identity.uid = OperatorUid(node.uid);
  recovery.parallelism = ParallelismOf(node.uid, deployment.graph());
  recovery.policy = ResumePolicyFromProto(deployment.resume_policy());
  recovery.checkpoint_interval = absl::Milliseconds(deployment.checkpoint_interval_ms());
  recovery.ended_jobs = {deployment.ended_jobs().begin(), deployment.ended_jobs().end()};
  recovery.take_over = deployment.take_over();
  recovery.cleanup = deployment.cleanup();
  recovery.on_progress = on_progress_;
  for (const proto::SinkCoordinatorState& sink : deployment.sinks()) {
    if (sink.sink_uid() == node.uid) recovery.last = sink.state();
  }
  for (const proto::CheckpointManifest& manifest : deployment.uncommitted()) {
    UncommittedEpoch epoch{PermitAuthority::Grant(Epoch(manifest.epoch()), term), {}};
    for (const proto::TaskSnapshot& task : manifest.tasks()) {
      for (const proto::OperatorSnapshot& one : task.operators()) {
        if (one.uid() != node.uid) continue;
        epoch.committables.insert(epoch.committables.end(), one.committables().begin(),
                                  one.committables().end());
      }
    }
    recovery.uncommitted.push_back(std::move(epoch));
  }
  proto::SinkCoordinatorState& state = sinks_.emplace_back();
  state.set_sink_uid(node.uid);
  WEIR_ASSIGN_OR_RETURN(*state.mutable_state(), committer->Recover(recovery));
  proto::SinkMetrics& metrics = sink_metrics_.emplace_back();
  metrics.set_sink_uid(node.uid);
  for (const auto& [name, value] : committer->Metrics()) (*metrics.mutable_values())[name] = value;
  if (deployment.cleanup()) return committer->Release();
  committers_.push_back(std::move(committer));
  return absl::OkStatus();
}

absl::Status CoordinatorTasks::Initialize(const proto::Deployment& deployment,
                                          const SinkIdentity& identity, Generation generation,
                                          LeaderTerm term) {
  const absl::Status status = InitializeAll(deployment, identity, generation, term);
  // A job that never ran has nothing to settle when it ends: it is not to keep what its sinks have
  // taken outside.
  if (!status.ok() && !deployment.restored() && !deployment.cleanup()) {
    for (const auto& committer : committers_) committer->Release().IgnoreError();
  }
  committers_.clear();
  return status;
}

absl::Status CoordinatorTasks::InitializeAll(const proto::Deployment& deployment,
                                             const SinkIdentity& identity, Generation generation,
                                             LeaderTerm term) {
  identity_ = identity;
  for (const StreamNode& node : graph_.nodes) {
    if (node.kind != StreamNode::Kind::kSink) continue;
    SinkRecovery recovery;
    recovery.identity = identity;
    recovery.generation = generation;
    const absl::Status status = RecoverSink(node, deployment, std::move(recovery), term);
    WEIR_RETURN_IF_ERROR(Annotate(status, absl::StrCat("sink '", node.name, "'")));
  }
  if (deployment.cleanup()) return absl::OkStatus();
  for (const proto::JobVertex& vertex : deployment.graph().vertices()) {
    const StreamNode* node = graph_.Find(vertex.operators(0).uid());
    if (node == nullptr || node->kind != StreamNode::Kind::kSource) continue;
    SourceTask source;
    source.node = node;
    source.parallelism = vertex.parallelism();
    WEIR_ASSIGN_OR_RETURN(source.enumerator, node->source->MakeEnumerator());
    for (const proto::SourceCoordinatorState& state : deployment.coordinators()) {
      if (state.source_uid() != node->uid) continue;
      for (const proto::SplitState& split : state.splits()) {
        source.splits[split.id()] = FromProto(split);
      }
    }
    bool found = false;
    WEIR_RETURN_IF_ERROR(CallPatiently(patience_, on_progress_,
                                       absl::StrCat("source '", node->name, "'"),
                                       [&] { return DiscoverOne(source, &found); }));
    sources_.push_back(std::move(source));
  }
  Publish();
  return absl::OkStatus();
}

absl::Status CoordinatorTasks::Refresh() const { return ForEachCommitter(&SinkCommitter::Refresh); }

absl::Status CoordinatorTasks::Sweep() const { return ForEachCommitter(&SinkCommitter::Sweep); }

absl::Status CoordinatorTasks::ForEachCommitter(CommitterCall call) const {
  for (const proto::SinkCoordinatorState& sink : sinks_) {
    const StreamNode& node = *graph_.Find(sink.sink_uid());
    SinkIdentity identity = identity_;
    identity.uid = OperatorUid(node.uid);
    absl::StatusOr<std::unique_ptr<SinkCommitter>> committer = node.sink->MakeCommitter();
    const absl::Status status =
        committer.ok() ? ((*committer).get()->*call)(identity, sink.state()) : committer.status();
    WEIR_RETURN_IF_ERROR(Annotate(status, absl::StrCat("sink '", node.name, "'")));
  }
  return absl::OkStatus();
}

absl::Status CoordinatorTasks::DiscoverOne(SourceTask& source, bool* found) {
  std::vector<SourceSplit> known;
  for (const auto& [id, split] : source.splits) known.push_back(split);
  absl::StatusOr<std::vector<SourceSplit>> fresh = source.enumerator->DiscoverSplits(known);
  if (!fresh.ok()) {
    return Annotate(fresh.status(), absl::StrCat("source '", source.node->name, "'"));
  }
  for (SourceSplit& split : *fresh) {
    *found = true;
    source.splits[split.id] = std::move(split);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> CoordinatorTasks::Discover() {
  bool found = false;
  for (SourceTask& source : sources_) {
    if (source.enumerator->discovery_interval() <= absl::ZeroDuration()) continue;
    WEIR_RETURN_IF_ERROR(DiscoverOne(source, &found));
  }
  if (found) Publish();
  return found;
}

absl::Duration CoordinatorTasks::discovery_interval() const {
  absl::Duration least = absl::ZeroDuration();
  for (const SourceTask& source : sources_) {
    const absl::Duration interval = source.enumerator->discovery_interval();
    if (interval <= absl::ZeroDuration()) continue;
    least = least == absl::ZeroDuration() ? interval : std::min(least, interval);
  }
  return least;
}

void CoordinatorTasks::Publish() {
  states_.clear();
  assignments_.clear();
  for (const SourceTask& source : sources_) {
    proto::SourceCoordinatorState& state = states_.emplace_back();
    state.set_source_uid(source.node->uid);
    const size_t first = assignments_.size();
    for (uint32_t index = 0; index < source.parallelism; ++index) {
      proto::SplitAssignment& assignment = assignments_.emplace_back();
      assignment.set_source_uid(source.node->uid);
      assignment.set_index(index);
    }
    for (const auto& [id, split] : source.splits) {
      const proto::SplitState encoded = ToProto(split);
      *state.add_splits() = encoded;
      const uint32_t owner = source.enumerator->OwnerOf(split, source.parallelism);
      *assignments_[first + owner].add_splits() = encoded;
    }
  }
}

}  // namespace weir::taskmanager
