#pragma once

#include <functional>

#include "absl/status/status.h"

#include "api/run/command_line.h"
#include "api/run/job_program.h"
#include "proto/control.pb.h"

namespace weir {

/// The hidden mode of a job's binary in which a TaskManager starts it as a worker. Call on the main
/// thread, before other threads exist. Returns only on an error: INVALID_ARGUMENT for options that
/// no TaskManager gives, or what planning says.
/// `on_sent`: see WorkerProcessOptions.
absl::Status RunWorkerMode(const JobProgram& program, const JobCommandLine& line,
                           std::function<void(const proto::Envelope&)> on_sent = nullptr);

}  // namespace weir
