#pragma once

#include "tests/sim/keyed/keyed_config.h"
#include "weir/watermark_strategy.h"

namespace weir::sim {

/// The strategy that a keyed run has: the built-in one, or one of two generators that an author
/// could have written. All keep within `disorder_us`, so that the same records are late.
WatermarkStrategy KeyedWatermarks(const KeyedConfig& config);

}  // namespace weir::sim
