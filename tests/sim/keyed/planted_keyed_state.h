#pragma once

#include <memory>

#include "common/time/clock.h"
#include "state/keyed/keyed_state_backend.h"
#include "tests/sim/planted_bug.h"

namespace weir::sim {

/// Is it one that only shows in the keyed operators?
bool IsKeyedBug(PlantedBug bug);

/// Is what a task had got of watermarks left out of what it is restored from?
inline bool ForgetsGateWatermark(PlantedBug bug) {
  return bug == PlantedBug::kGateWatermarkLost || bug == PlantedBug::kWatermarksForgotten;
}

/// Keyed state in memory with one of these mistakes; null when `bug` is none of keyed state.
/// Borrows the clock.
std::unique_ptr<KeyedStateBackend> MakePlantedKeyedState(PlantedBug bug,
                                                         KeyedStateBackend::Options options,
                                                         const Clock& clock);

}  // namespace weir::sim
