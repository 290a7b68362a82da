#include "jobmanager/scheduler/placement.h"

#include <tuple>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {
namespace {

const TaskManagerId* LeastLoaded(const std::map<TaskManagerId, uint32_t>& free,
                                 const std::map<TaskManagerId, uint32_t>& used) {
  const TaskManagerId* best = nullptr;
  std::tuple<uint32_t, uint32_t> best_rank;
  for (const auto& [id, slots] : free) {
    if (slots == 0) continue;
    const auto it = used.find(id);
    const std::tuple<uint32_t, uint32_t> rank(it == used.end() ? 0 : it->second, ~slots);
    if (best == nullptr || rank < best_rank) {
      best = &id;
      best_rank = rank;
    }
  }
  return best;
}

}  // namespace

absl::StatusOr<SlotPlacement> PlaceSlots(const PlacementRequest& request) {
  uint32_t available = 0;
  for (const auto& [id, slots] : request.free_slots) available += slots;
  if (available < request.slots) {
    const size_t managers = request.free_slots.size();
    return absl::ResourceExhaustedError(
        absl::StrCat("needs ", request.slots, request.slots == 1 ? " slot; " : " slots; ",
                     available, available == 1 ? " is free on " : " are free on ", managers,
                     managers == 1 ? " TaskManager" : " TaskManagers"));
  }
  std::map<TaskManagerId, uint32_t> free = request.free_slots;
  std::map<TaskManagerId, uint32_t> used;
  SlotPlacement placement(request.slots);
  for (uint32_t slot = 0; slot < request.slots && slot < request.previous.size(); ++slot) {
    const auto it = free.find(request.previous[slot]);
    if (it == free.end() || it->second == 0) continue;
    placement[slot] = it->first;
    --it->second;
    ++used[it->first];
  }
  for (TaskManagerId& where : placement) {
    if (!where.is_none()) continue;
    where = *LeastLoaded(free, used);
    --free[where];
    ++used[where];
  }
  return placement;
}

}  // namespace weir::jobmanager
