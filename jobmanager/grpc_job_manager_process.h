#pragma once

#include "absl/status/status.h"

#include "common/config/config.h"
#include "common/exec/signal_waiter.h"
#include "common/io/file_system.h"

namespace weir::jobmanager {

/// The composition root of weir-jobmanager: a standby until elected, then the leader, until SIGTERM
/// or SIGINT (no job stops for that) or until another process leads. Call on the main thread.
/// `files` keeps the logs and checkpoints; it is called from several threads.
/// Errors: one sentence that names what is wrong: storage, address, certificates, lost leadership.
absl::Status RunJobManager(const Config& config, FileSystem& files, SignalWaiter& signals);

}  // namespace weir::jobmanager
