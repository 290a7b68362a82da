#pragma once

#include "absl/status/status.h"

#include "common/config/config.h"

namespace weir::taskmanager {

/// The composition root of weir-taskmanager: runs until SIGTERM or SIGINT, or until this node
/// cannot serve the cluster. Its workers die with it. Call on the main thread, after SignalWaiter.
/// Errors: one sentence that names what is wrong.
absl::Status RunTaskManager(const Config& config);

}  // namespace weir::taskmanager
