#pragma once

#include <string>
#include <vector>

namespace weir::cli {

/// RunCli in this process: real network, standard streams, the process's environment variables. For
/// the mains of `weir` and of jobs (`./myjob submit`). Returns the exit code.
int RunCliProcess(const std::vector<std::string>& arguments);

}  // namespace weir::cli
