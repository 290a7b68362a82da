#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace weir::taskmanager {

/// How the first line of a crash report begins; then come the process id, ": ", and what happened:
/// "weir crash report of process 4242: SIGSEGV in operator 'Parse', at topic flights, partition 3,
/// offset 1234". A TaskManager looks for it in the log of a worker that died by a signal.
inline constexpr absl::string_view kCrashReportStart = "weir crash report of process ";

/// From now on a thread of this process that is ended by SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT
/// (a failed WEIR_CHECK, an exception that nobody caught) first writes a report to standard error:
/// the signal, what the thread was at (common/operator/current_call.h) and its stack. Positions of
/// records, never contents. Then the process dies by the signal as it would have done.
///
/// `process` is named in the report: "worker w-12". Called once, before other threads exist. A
/// signal that has a handler already (a sanitizer's) is left alone.
void InstallCrashReports(const std::string& process);

/// Gives the calling thread a stack for reports, for when its own has overflowed; freed with the
/// thread. Nothing happens when it has one.
void UseAlternateSignalStack();

}  // namespace weir::taskmanager
