#pragma once

#include <functional>

#include "weir/args.h"
#include "weir/environment.h"

namespace weir {

/// The whole main() of a job: `return weir::RunJob("name", argc, argv, build);`. `build` describes
/// the dataflow and must depend on nothing but its Args: it runs in the client, in the planner and
/// in every worker, and all must get the same graph.
///
/// The binary then understands:
///   run [options] -- [job's arguments]      everything in this process
///   plan [--format text|json|dot] -- ...    shows the plan
///   submit [options] -- ...                 sends the job to a cluster
/// Returns the exit code: 0 ok, 1 failed, 2 usage.
int RunJob(const char* name, int argc, char** argv,
           std::function<void(Environment&, const Args&)> build);

}  // namespace weir
