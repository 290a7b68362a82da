#include "jobmanager/scheduler/deployment_plan.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/check.h"
#include "common/graph/job_graph.h"
#include "common/graph/key_group_tables.h"
#include "common/types/key_group.h"

namespace weir::jobmanager {
namespace {

// What a subtask starts from: its own snapshot; of a vertex that has another parallelism now, those
// of all subtasks then that had one of its key groups, the first one with the least watermark.
std::vector<proto::TaskSnapshot> SnapshotsFor(const proto::CheckpointManifest& manifest,
                                              const SubtaskId& subtask,
                                              const KeyGroupLayout& layout,
                                              const KeyGroupRange& own) {
  std::vector<proto::TaskSnapshot> snapshots;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    if (task.vertex() != subtask.vertex.value()) continue;
    // It has operator state alone, of an operator that was in another task (`--from`).
    if (task.parallelism() > 0 && task.index() >= task.parallelism()) continue;
    if (task.parallelism() == 0 || task.parallelism() == layout.parallelism) {
      if (task.index() == subtask.index) return {task};
      continue;
    }
    // Checkpoints of before there were tables do not tell.
    const KeyGroupRange then =
        task.has_key_groups()
            ? KeyGroupRange{task.key_groups().first(), task.key_groups().end()}
            : DefaultKeyGroupRange(task.index(), {task.parallelism(), layout.max_parallelism});
    if (then.first < own.end && own.first < then.end) snapshots.push_back(task);
  }
  return snapshots;
}

KeyGroupRange GroupsOf(const DeploymentContext& context, const SubtaskId& task,
                       const KeyGroupLayout& layout) {
  const proto::KeyGroupTable* table = FindKeyGroupTable(context.key_groups, task.vertex);
  if (table == nullptr) return DefaultKeyGroupRange(task.index, layout);  // it has watermarks only
  const absl::StatusOr<std::vector<uint32_t>> subtasks = ReadKeyGroupTable(*table, layout);
  WEIR_CHECK(subtasks.ok()) << subtasks.status();  // this JobManager, or one before it, made it
  return KeyGroupRangeIn(*subtasks, task.index);
}

// What goes with the deployment, once for all its tasks, is not in their snapshots.
void SetRestored(std::vector<proto::TaskSnapshot> snapshots, proto::TaskDeployment* task) {
  if (snapshots.empty()) return;
  for (proto::TaskSnapshot& snapshot : snapshots) {
    for (proto::OperatorSnapshot& one : *snapshot.mutable_operators()) one.clear_operator_state();
  }
  const auto earlier = [](const proto::TaskSnapshot& a, const proto::TaskSnapshot& b) {
    return a.has_input_watermark_us() && b.has_input_watermark_us()
               ? a.input_watermark_us() < b.input_watermark_us()
               : !a.has_input_watermark_us() && b.has_input_watermark_us();
  };
  std::stable_sort(snapshots.begin(), snapshots.end(), earlier);
  *task->mutable_restored() = std::move(snapshots.front());
  for (size_t i = 1; i < snapshots.size(); ++i) {
    *task->add_restored_others() = std::move(snapshots[i]);
  }
}

// By vertex: the operator state of each of its operators, of all subtasks that there were.
std::map<uint64_t, std::vector<proto::OperatorStateParts>> OperatorStatesOf(
    const proto::CheckpointManifest& manifest) {
  std::map<uint64_t, std::map<std::string, proto::OperatorStateParts>> by_vertex;
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (!one.has_operator_state()) continue;
      proto::OperatorStateParts& parts = by_vertex[task.vertex()][one.uid()];
      parts.set_vertex(task.vertex());
      parts.set_uid(one.uid());
      // A subtask whose function has asked for none counts, too.
      const uint32_t then = std::max(one.operator_state().parallelism(), task.index() + 1);
      while (parts.parts_size() < static_cast<int>(then)) parts.add_parts();
      *parts.mutable_parts(static_cast<int>(task.index())) = one.operator_state();
    }
  }
  std::map<uint64_t, std::vector<proto::OperatorStateParts>> states;
  for (auto& [vertex, operators] : by_vertex) {
    for (auto& [uid, parts] : operators) states[vertex].push_back(std::move(parts));
  }
  return states;
}

// To each worker those of the vertices that it runs a task of.
void AddOperatorStates(const proto::CheckpointManifest& manifest,
                       std::map<WorkerId, proto::Deployment>* deployments) {
  const auto states = OperatorStatesOf(manifest);
  for (auto& [worker, deployment] : *deployments) {
    std::set<uint64_t> vertices;
    for (const proto::TaskDeployment& task : deployment.tasks()) vertices.insert(task.vertex());
    for (const uint64_t vertex : vertices) {
      const auto found = states.find(vertex);
      if (found == states.end()) continue;
      for (const proto::OperatorStateParts& parts : found->second) {
        *deployment.add_operator_states() = parts;
      }
    }
  }
}

// What the worker may use for all its slots; 0: no limit.
uint64_t MemoryOf(const DeploymentContext& context, const WorkerId& worker) {
  uint64_t bytes = 0;
  for (size_t slot = 0; slot < context.placement->slot_workers.size(); ++slot) {
    if (context.placement->slot_workers[slot] != worker) continue;
    const auto limit = context.slot_memory_bytes.find(context.placement->slot_task_managers[slot]);
    if (limit != context.slot_memory_bytes.end()) bytes += limit->second;
  }
  return bytes;
}

}  // namespace

std::vector<proto::SourceCoordinatorState> MergeSourceStates(
    const proto::CheckpointManifest& manifest) {
  std::map<std::string, std::map<std::string, proto::SplitState>> by_source;
  for (const proto::SourceCoordinatorState& source : manifest.coordinators()) {
    auto& splits = by_source[source.source_uid()];
    for (const proto::SplitState& split : source.splits()) splits[split.id()] = split;
  }
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      for (const proto::SplitState& split : one.splits()) by_source[one.uid()][split.id()] = split;
    }
  }
  std::vector<proto::SourceCoordinatorState> result;
  for (const auto& [uid, splits] : by_source) {
    proto::SourceCoordinatorState& state = result.emplace_back();
    state.set_source_uid(uid);
    for (const auto& [id, split] : splits) *state.add_splits() = split;
  }
  return result;
}

uint32_t RequiredSlots(const proto::JobGraph& graph) {
  uint32_t slots = 1;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    slots = std::max(slots, vertex.parallelism());
  }
  return slots;
}

bool IsTransactional(const proto::JobGraph& graph) {
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      if (one.transactional()) return true;
    }
  }
  return false;
}

std::vector<SubtaskId> AllSubtasks(const proto::JobGraph& graph) {
  std::vector<SubtaskId> tasks;
  for (const proto::JobVertex& vertex : graph.vertices()) {
    for (uint32_t index = 0; index < vertex.parallelism(); ++index) {
      tasks.push_back({VertexId(vertex.id()), index});
    }
  }
  return tasks;
}

proto::JobStarted MakeStartedEntry(const proto::JobGraph& graph, Generation generation,
                                   std::optional<Epoch> restored,
                                   const ExecutionPlacement& placement,
                                   const std::string& artifact) {
  proto::JobStarted started;
  started.set_generation(generation.value());
  if (restored) started.set_restored_epoch(restored->value());
  started.set_artifact(artifact);
  for (proto::KeyGroupTable& table : MakeKeyGroupTables(graph)) {
    *started.add_key_groups() = std::move(table);
  }
  for (const SubtaskId& task : AllSubtasks(graph)) {
    proto::TaskPlacement* place = started.add_placements();
    place->set_vertex(task.vertex.value());
    place->set_index(task.index);
    place->set_task_manager(placement.slot_task_managers[task.index].value());
    place->set_worker(placement.slot_workers[task.index].value());
  }
  return started;
}

std::vector<TaskManagerId> SlotTaskManagersOf(const proto::JobStarted& started) {
  std::vector<TaskManagerId> slots;
  for (const proto::TaskPlacement& place : started.placements()) {
    if (place.index() >= slots.size()) slots.resize(place.index() + 1);
    slots[place.index()] = TaskManagerId(place.task_manager());
  }
  return slots;
}

std::map<WorkerId, proto::Deployment> MakeDeployments(const DeploymentContext& context) {
  std::map<WorkerId, proto::Deployment> deployments;
  for (const WorkerId& worker : context.placement->slot_workers) {
    proto::Deployment& deployment = deployments[worker];
    if (!deployment.storage_root().empty()) continue;
    *deployment.mutable_graph() = *context.graph;
    deployment.set_probe_object(context.probe_object);
    deployment.set_probe_nonce(context.probe_nonce);
    deployment.set_storage_root(context.storage_root);
    deployment.set_cluster_id(context.cluster_id);
    deployment.set_inline_state_max_bytes(context.inline_state_max_bytes);
    deployment.set_stall_timeout_ms(absl::ToInt64Milliseconds(context.stall_timeout));
    deployment.set_state_backend(context.state_backend);
    const WorkerMemory memory = DivideWorkerMemory(context.memory, MemoryOf(context, worker));
    deployment.set_exchange_memory_bytes(memory.exchange_bytes);
    deployment.set_state_memory_bytes(memory.state_bytes);
    for (const WorkerId& slot : context.placement->slot_workers) {
      deployment.add_slot_workers(slot.value());
    }
    for (const proto::KeyGroupTable& table : context.key_groups) {
      *deployment.add_key_groups() = table;
    }
    if (context.restored != nullptr) {
      deployment.set_restored(!context.first_start);
      deployment.set_restored_epoch(context.restored->epoch());
    }
  }
  for (const SubtaskId& task : AllSubtasks(*context.graph)) {
    if (context.cleanup) break;
    const WorkerId& worker = context.placement->slot_workers[task.index];
    proto::TaskDeployment* deployed = deployments[worker].add_tasks();
    deployed->set_vertex(task.vertex.value());
    deployed->set_index(task.index);
    deployed->set_slot(task.index);
    if (context.restored == nullptr) continue;
    const KeyGroupLayout layout = {ParallelismOf(*context.graph, task.vertex),
                                   KeyGroupsOf(*context.graph, task.vertex)};
    SetRestored(SnapshotsFor(*context.restored, task, layout, GroupsOf(context, task, layout)),
                deployed);
  }
  if (context.restored != nullptr) AddOperatorStates(*context.restored, &deployments);
  proto::Deployment& coordinator = deployments[context.placement->coordinator()];
  coordinator.set_coordinator(true);
  coordinator.set_cleanup(context.cleanup);
  coordinator.set_resume_policy(context.resume_policy);
  coordinator.set_checkpoint_interval_ms(absl::ToInt64Milliseconds(context.checkpoint_interval));
  *coordinator.mutable_ended_jobs() = {context.ended_jobs.begin(), context.ended_jobs.end()};
  coordinator.set_take_over(context.take_over);
  if (context.restored != nullptr) {
    for (proto::SourceCoordinatorState& state : MergeSourceStates(*context.restored)) {
      *coordinator.add_coordinators() = std::move(state);
    }
    *coordinator.mutable_sinks() = context.restored->sinks();
  }
  if (context.uncommitted != nullptr) {
    for (const proto::CheckpointManifest& manifest : *context.uncommitted) {
      *coordinator.add_uncommitted() = manifest;
    }
  }
  return deployments;
}

}  // namespace weir::jobmanager
