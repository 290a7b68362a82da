#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"

#include "common/base/ids.h"
#include "jobmanager/scheduler/worker_memory.h"
#include "proto/checkpoint.pb.h"
#include "proto/control.pb.h"
#include "proto/job_graph.pb.h"

namespace weir::jobmanager {

/// Where one generation runs: the worker of each slot.
struct ExecutionPlacement {
  std::vector<TaskManagerId> slot_task_managers;
  std::vector<WorkerId> slot_workers;
  const WorkerId& coordinator() const { return slot_workers.front(); }
};

/// Slots a graph needs: its highest parallelism.
uint32_t RequiredSlots(const proto::JobGraph& graph);

/// Has it a sink whose commits need a CommitPermit?
bool IsTransactional(const proto::JobGraph& graph);

/// Every task of the graph.
std::vector<SubtaskId> AllSubtasks(const proto::JobGraph& graph);

/// The entry that starts a generation.
proto::JobStarted MakeStartedEntry(const proto::JobGraph& graph, Generation generation,
                                   std::optional<Epoch> restored,
                                   const ExecutionPlacement& placement,
                                   const std::string& artifact);

/// Slot -> TaskManager of an earlier generation, as its `started` entry has it.
std::vector<TaskManagerId> SlotTaskManagersOf(const proto::JobStarted& started);

/// Every split that the checkpoint knows, by source: as its reader had it, else as the enumerator
/// has resolved it.
std::vector<proto::SourceCoordinatorState> MergeSourceStates(
    const proto::CheckpointManifest& manifest);

struct DeploymentContext {
  const proto::JobGraph* graph = nullptr;
  const ExecutionPlacement* placement = nullptr;
  const proto::CheckpointManifest* restored = nullptr;
  bool first_start = false;  // no task has run; `restored` is null, or another job's
  const std::vector<proto::CheckpointManifest>* uncommitted = nullptr;
  std::string probe_object;
  std::string probe_nonce;
  std::string storage_root;
  std::string cluster_id;
  uint64_t inline_state_max_bytes = 0;
  absl::Duration stall_timeout = absl::ZeroDuration();
  std::string state_backend;
  MemoryWish memory;
  std::map<TaskManagerId, uint64_t> slot_memory_bytes;  // of those with a limit
  std::vector<proto::KeyGroupTable> key_groups;         // of the entry that started the generation
  std::vector<std::string> ended_jobs;                  // of the cluster
  bool take_over = false;
  bool cleanup = false;  // no tasks: the sinks' committers alone
  proto::ResumePolicy resume_policy = proto::AS_CONFIGURED;  // for `uncommitted`
  absl::Duration checkpoint_interval;                        // zero: none follow
};

/// What each worker is told to run. The coordinator's worker gets the restored split states: the
/// enumerator's splits, with the readers' positions where a reader held one. Pure.
std::map<WorkerId, proto::Deployment> MakeDeployments(const DeploymentContext& context);

}  // namespace weir::jobmanager
