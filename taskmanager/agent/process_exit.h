#pragma once

#include <signal.h>

#include <string>

#include "taskmanager/agent/process_launcher.h"

namespace weir::taskmanager {

/// How a process ended, from what waitid says and from its log.
ProcessExit DescribeExit(const siginfo_t& info, const std::string& log_file);

/// The last line of a file with anything in it, but for what Weir logs below warning, cut to 500
/// bytes; "" when there is none.
std::string LastLineOfFile(const std::string& path);

/// What the crash report of process `pid` in this log says first: "SIGSEGV in operator 'Parse', at
/// topic flights, partition 3, offset 1234"; "" without one. See crash_report.h.
std::string CrashInLog(const std::string& path, pid_t pid);

}  // namespace weir::taskmanager
