#include "taskmanager/worker/task_set.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/graph/job_graph.h"
#include "common/graph/key_group_tables.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {
namespace {

void AddCounts(const OperatorIdentity& identity, const OperatorCounters& counters,
               proto::TaskReport* report) {
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  proto::OperatorCounts* counts = report->add_operators();
  counts->set_uid(identity.uid);
  counts->set_name(identity.name);
  counts->set_records_in(value(counters.records_in));
  counts->set_records_out(value(counters.records_out));
  counts->set_filtered(value(counters.filtered));
  counts->set_late(value(counters.late));
  counts->set_skipped(value(counters.skipped));
  counts->set_dead_lettered(value(counters.dead_lettered));
}

void AddOperatorCounts(const Task& task, proto::TaskReport* report) {
  const OperatorChain& chain = task.chain();
  if (task.is_source()) AddCounts(task.head(), chain.head_counters(), report);
  for (const OperatorStage* stage : chain.operators()) {
    AddCounts(stage->identity(), stage->counters(), report);
  }
  for (const SinkStage* sink : chain.sinks()) AddCounts(sink->identity(), sink->counters(), report);
}

absl::StatusOr<std::vector<uint32_t>> KeyGroupsOfVertex(const proto::Deployment& deployment,
                                                        VertexId vertex) {
  const proto::KeyGroupTable* table = FindKeyGroupTable(deployment.key_groups(), vertex);
  if (table == nullptr) return std::vector<uint32_t>();
  return ReadKeyGroupTable(
      *table, {ParallelismOf(deployment.graph(), vertex), KeyGroupsOf(deployment.graph(), vertex)});
}

// Its own, and those of the vertices behind, to which it deals rows out.
absl::Status SetKeyGroups(const proto::Deployment& deployment, TaskDescription& description) {
  WEIR_ASSIGN_OR_RETURN(description.key_groups,
                        KeyGroupsOfVertex(deployment, description.subtask.vertex));
  for (TaskDescription::Output& output : description.outputs) {
    for (const proto::JobVertex& vertex : deployment.graph().vertices()) {
      if (vertex.operators(0).uid() != output.target_uid) continue;
      WEIR_ASSIGN_OR_RETURN(output.key_groups,
                            KeyGroupsOfVertex(deployment, VertexId(vertex.id())));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskSet>> TaskSet::Build(
    const StreamGraph& graph, const proto::Deployment& deployment,
    const std::map<SubtaskId, RestoredTask>& restored, ChannelMap& channels,
    const ExchangeEndpoint* exchange, const TaskEnvironment& environment) {
  auto set = std::make_unique<TaskSet>();
  const proto::JobGraph& plan = deployment.graph();
  for (const proto::TaskDeployment& deployed : deployment.tasks()) {
    const proto::JobVertex* vertex = FindVertex(plan, VertexId(deployed.vertex()));
    if (vertex == nullptr) {
      return absl::FailedPreconditionError(absl::StrCat(
          "deployment names vertex ", deployed.vertex(), ", which is not in its plan"));
    }
    TaskDescription description;
    description.subtask = {VertexId(vertex->id()), deployed.index()};
    description.name = vertex->name();
    description.parallelism = vertex->parallelism();
    description.max_parallelism = plan.max_parallelism();
    for (const proto::OperatorDescriptor& one : vertex->operators()) {
      description.operator_uids.push_back(one.uid());
    }
    WEIR_RETURN_IF_ERROR(channels.Connect(*vertex, exchange, description));
    WEIR_RETURN_IF_ERROR(SetKeyGroups(deployment, description));
    const auto state = restored.find(description.subtask);
    if (state != restored.end()) {
      description.restored = &state->second.snapshot;
      for (const TaskSnapshotData& other : state->second.others) {
        description.restored_others.push_back(&other);
      }
      description.operator_states = state->second.operator_states;
    }
    Entry entry;
    entry.slot = deployed.slot();
    if (description.inputs.empty()) entry.source_uid = vertex->operators(0).uid();
    const SubtaskId subtask = description.subtask;
    WEIR_ASSIGN_OR_RETURN(entry.task, BuildTask(graph, std::move(description), environment));
    set->tasks_[subtask] = std::move(entry);
  }
  return set;
}

void TaskSet::Start(const TaskHostProvider& hosts, const Task::SinkStates& sinks) {
  started_ = true;
  for (auto& [id, entry] : tasks_) {
    hosts(entry.slot).AddTask(entry.task);
    entry.task->Start(sinks);
  }
}

void TaskSet::Assign(
    const google::protobuf::RepeatedPtrField<proto::SplitAssignment>& assignments) {
  for (auto& [id, entry] : tasks_) {
    for (const proto::SplitAssignment& assignment : assignments) {
      if (assignment.source_uid() != entry.source_uid || assignment.index() != id.index) continue;
      std::vector<SourceSplit> fresh;
      for (const proto::SplitState& split : assignment.splits()) {
        if (entry.splits.insert(split.id()).second) fresh.push_back(FromProto(split));
      }
      if (fresh.empty() && entry.assigned) continue;
      entry.assigned = true;
      entry.task->AddSplits(std::move(fresh));
    }
  }
}

void TaskSet::Trigger(const proto::CheckpointTrigger& trigger) {
  const Epoch epoch(trigger.epoch());
  if (!started_ || (triggered_ && *triggered_ >= epoch)) return;
  triggered_ = epoch;
  const Barrier barrier{epoch, LeaderTerm(trigger.attempt_term()), trigger.final(),
                        trigger.suspends()};
  for (auto& [id, entry] : tasks_) {
    if (!entry.source_uid.empty()) entry.task->TriggerCheckpoint(barrier);
  }
}

void TaskSet::Permit(const CommitPermit& permit) {
  if (!started_ || (permitted_ && *permitted_ >= permit.epoch())) return;
  permitted_ = permit.epoch();
  for (auto& [id, entry] : tasks_) {
    entry.task->CommitEpoch(permit);
    entry.task->NotifyCheckpointComplete(permit.epoch());
  }
}

void TaskSet::Received(Epoch epoch) {
  if (!started_ || (received_ && *received_ >= epoch)) return;
  received_ = epoch;
  for (auto& [id, entry] : tasks_) entry.task->NotifyReceipt(epoch);
}

void TaskSet::Aborted(Epoch epoch) {
  if (!started_ || (aborted_ && *aborted_ >= epoch)) return;
  aborted_ = epoch;
  for (auto& [id, entry] : tasks_) entry.task->NotifyCheckpointAborted(epoch);
}

void TaskSet::StopSources() {
  if (!started_ || sources_stopped_) return;
  sources_stopped_ = true;
  for (auto& [id, entry] : tasks_) {
    if (!entry.source_uid.empty()) entry.task->StopSource();
  }
}

void TaskSet::Hold(bool held) {
  if (!started_ || held_ == held) return;
  held_ = held;
  for (auto& [id, entry] : tasks_) entry.task->Hold(held);
}

void TaskSet::OnRunning(SubtaskId task) {
  proto::TaskReport::State& state = tasks_.at(task).state;
  if (state == proto::TaskReport::READY) state = proto::TaskReport::RUNNING;
}

void TaskSet::OnFinished(SubtaskId task) { tasks_.at(task).state = proto::TaskReport::FINISHED; }

void TaskSet::OnCommitted(SubtaskId task, Epoch epoch) { tasks_.at(task).committed = epoch; }

bool TaskSet::AllRunning() const {
  return std::all_of(tasks_.begin(), tasks_.end(), [](const auto& entry) {
    return entry.second.state != proto::TaskReport::READY;
  });
}

std::optional<Epoch> TaskSet::CommittedByAll() const {
  std::optional<Epoch> least;
  for (const auto& [id, entry] : tasks_) {
    if (!entry.committed) return std::nullopt;
    if (!least || *entry.committed < *least) least = entry.committed;
  }
  return least;
}

void TaskSet::AddMetrics(const WorkerMetricsMoment& moment, proto::WorkerMetrics* metrics) const {
  for (const auto& [id, entry] : tasks_) AddTaskMetrics(*entry.task, moment, metrics);
}

void TaskSet::Report(proto::WorkerReport* report) const {
  for (const auto& [id, entry] : tasks_) {
    proto::TaskReport* task = report->add_tasks();
    task->set_vertex(id.vertex.value());
    task->set_index(id.index);
    task->set_state(entry.state);
    task->set_records_in(entry.task->records_in());
    task->set_records_out(entry.task->records_out());
    for (const std::string& split : entry.splits) task->add_splits(split);
    AddOperatorCounts(*entry.task, task);
    for (const auto& [uid, metrics] : entry.task->sink_metrics()) {
      proto::SinkMetrics* sink = task->add_sinks();
      sink->set_sink_uid(uid);
      for (const auto& [name, value] : metrics->Read()) (*sink->mutable_values())[name] = value;
    }
  }
}

}  // namespace weir::taskmanager
