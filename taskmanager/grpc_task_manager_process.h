#pragma once

#include <functional>

#include "absl/status/status.h"

#include "common/config/config.h"

namespace weir::taskmanager {

/// The composition root of weir-taskmanager: runs until SIGTERM or SIGINT (where the caller has
/// blocked them, see SignalWaiter), or until this node cannot serve the cluster. Its workers die
/// with the thread that called it: main()'s, or one that does nothing else.
/// `serving` is called on that thread, before the first worker is started, with a function that
/// ends the run; that may be called by any thread at any time, in vain when the run is over.
/// Errors: one sentence that names what is wrong.
absl::Status RunTaskManager(
    const Config& config,
    const std::function<void(std::function<void()> stop)>& serving = [](std::function<void()>) {});

}  // namespace weir::taskmanager
