#pragma once

#include "absl/status/status.h"

#include "api/run/command_line.h"
#include "api/run/job_program.h"

namespace weir {

/// `./myjob run`: JobManager, TaskManager and worker of a whole cluster as objects of this process,
/// without network and child processes, so that a debugger sees everything. The same protocols as
/// on a cluster, checkpoints included. Runs until the job ends; SIGTERM or Ctrl-C stop its sources
/// and let it finish, a second one ends it at once.
/// Errors: one sentence: wrong options, or why the job failed.
absl::Status RunLocally(const JobProgram& program, const JobCommandLine& line);

}  // namespace weir
