#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "taskmanager/agent/memory_cgroup.h"

namespace weir::taskmanager {

/// How the memory of a TaskManager and its workers is divided. All in bytes; 0: no limit.
///
/// limit_bytes is of all of them together: `taskmanager.memory-limit` or what the control group
/// allows, whichever is less. A tenth of it, 64 MiB to 512 MiB but never more than half, is kept
/// for the TaskManager and for what the kernel charges to the group beside resident memory.
struct MemoryPlan {
  uint64_t limit_bytes = 0;
  std::string limit_source;    // for people: an option, or the control group's file
  uint64_t workers_bytes = 0;  // of all workers together
  uint64_t worker_bytes = 0;   // of each of them, as `taskmanager.worker-memory-limit` has it
  uint64_t slot_bytes = 0;     // what the JobManager may deal out for a slot
};

/// What the plan follows from; 0: not configured.
struct MemoryPlanOptions {
  uint64_t memory_limit = 0;
  uint64_t worker_memory_limit = 0;
  uint64_t slots = 1;
};

/// Pure.
MemoryPlan PlanMemory(const MemoryPlanOptions& options,
                      const std::optional<MemoryCgroup::Limit>& cgroup);

}  // namespace weir::taskmanager
