#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/ids.h"

namespace weir::jobmanager {

/// Slot i of a job runs subtask i of every vertex; this says on which TaskManager.
using SlotPlacement = std::vector<TaskManagerId>;

struct PlacementRequest {
  uint32_t slots = 0;                            // the job's highest parallelism
  std::map<TaskManagerId, uint32_t> free_slots;  // what each TaskManager can give this job
  SlotPlacement previous;                        // of the last generation; may be empty
};

/// Places a job's slots: where the slot was before if that TaskManager is there, the others on the
/// TaskManager with the fewest of this job's slots, then the most free ones, then the least id.
/// Pure: the same request gives the same placement.
/// RESOURCE_EXHAUSTED, with the figures, when there are too few slots.
absl::StatusOr<SlotPlacement> PlaceSlots(const PlacementRequest& request);

}  // namespace weir::jobmanager
