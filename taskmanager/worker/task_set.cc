#include "taskmanager/worker/task_set.h"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "taskmanager/task/local_channel.h"
#include "taskmanager/task/task_snapshot_conversion.h"

namespace weir::taskmanager {
namespace {

/// The channels of a generation between the tasks of this worker, made when either end asks.
class LocalChannels {
 public:
  explicit LocalChannels(const proto::Deployment& deployment) {
    for (const proto::TaskDeployment& task : deployment.tasks()) {
      here_.insert({task.vertex(), task.index()});
    }
  }
  /// UNIMPLEMENTED when one of the two runs in another worker.
  absl::StatusOr<std::shared_ptr<LocalChannel>> Between(int edge, const proto::JobEdge& ends,
                                                        uint32_t from, uint32_t to) {
    if (here_.count({ends.source_vertex(), from}) == 0 ||
        here_.count({ends.target_vertex(), to}) == 0) {
      return absl::UnimplementedError(
          absl::StrCat("subtask ", from, " of vertex ", ends.source_vertex(), " and subtask ", to,
                       " of vertex ", ends.target_vertex(), " run in different workers"));
    }
    std::shared_ptr<LocalChannel>& channel = channels_[{edge, from, to}];
    if (channel == nullptr) channel = std::make_shared<LocalChannel>();
    return channel;
  }

 private:
  std::set<std::pair<uint64_t, uint32_t>> here_;
  std::map<std::tuple<int, uint32_t, uint32_t>, std::shared_ptr<LocalChannel>> channels_;
};

const proto::JobVertex* FindVertex(const proto::JobGraph& graph, uint64_t id) {
  for (const proto::JobVertex& vertex : graph.vertices()) {
    if (vertex.id() == id) return &vertex;
  }
  return nullptr;
}

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

// Gives the task its ends of all channels.
absl::Status Connect(const proto::JobGraph& plan, const proto::JobVertex& vertex,
                     LocalChannels& channels, TaskDescription& description) {
  const uint32_t index = description.subtask.index;
  for (int number = 0; number < plan.edges_size(); ++number) {
    const proto::JobEdge& edge = plan.edges(number);
    const bool forward = edge.exchange() == proto::JobEdge::FORWARD;
    if (edge.target_vertex() == vertex.id()) {
      const uint32_t sources = FindVertex(plan, edge.source_vertex())->parallelism();
      for (uint32_t from = forward ? index : 0; from < (forward ? index + 1 : sources); ++from) {
        WEIR_ASSIGN_OR_RETURN(auto channel, channels.Between(number, edge, from, index));
        description.inputs.push_back(std::move(channel));
      }
    }
    if (edge.source_vertex() == vertex.id()) {
      const proto::JobVertex* target = FindVertex(plan, edge.target_vertex());
      TaskDescription::Output output;
      output.source_uid = edge.source_uid();
      output.side_output = edge.side_output();
      output.target_uid = target->operators(0).uid();
      const uint32_t end = forward ? index + 1 : target->parallelism();
      for (uint32_t to = forward ? index : 0; to < end; ++to) {
        WEIR_ASSIGN_OR_RETURN(auto channel, channels.Between(number, edge, index, to));
        output.channels.push_back(std::move(channel));
      }
      description.outputs.push_back(std::move(output));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskSet>> TaskSet::Build(
    const StreamGraph& graph, const proto::Deployment& deployment,
    const std::map<SubtaskId, TaskSnapshotData>& restored, const TaskEnvironment& environment) {
  auto set = std::make_unique<TaskSet>();
  const proto::JobGraph& plan = deployment.graph();
  LocalChannels channels(deployment);
  for (const proto::TaskDeployment& deployed : deployment.tasks()) {
    const proto::JobVertex* vertex = FindVertex(plan, deployed.vertex());
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
    WEIR_RETURN_IF_ERROR(Connect(plan, *vertex, channels, description));
    const auto state = restored.find(description.subtask);
    if (state != restored.end()) description.restored = &state->second;
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
  const Barrier barrier{epoch, LeaderTerm(trigger.attempt_term()), trigger.final()};
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

void TaskSet::StopSources() {
  if (!started_ || sources_stopped_) return;
  sources_stopped_ = true;
  for (auto& [id, entry] : tasks_) {
    if (!entry.source_uid.empty()) entry.task->StopSource();
  }
}

void TaskSet::HoldSources(bool held) {
  if (!started_ || sources_held_ == held) return;
  sources_held_ = held;
  for (auto& [id, entry] : tasks_) {
    if (!entry.source_uid.empty()) entry.task->HoldSource(held);
  }
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
