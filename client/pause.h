#pragma once

#include "absl/time/time.h"

namespace weir {

/// Blocks the calling thread, as a client that waits for a cluster may.
void Pause(absl::Duration duration);

}  // namespace weir
