#pragma once

#include "absl/strings/string_view.h"

namespace weir::jobmanager {

/// Where a job stands (docs/protocols/recovery.md). The last three are for good.
enum class JobState {
  kCreated,
  kScheduling,
  kDeploying,
  kRunning,
  kRecovering,
  kStopping,
  kSuspended,
  kCancelling,
  kFailing,  // its sinks are being settled
  kFinished,
  kCanceled,
  kFailed,
};

absl::string_view JobStateName(JobState state);
/// The one list of legal transitions.
bool IsLegalTransition(JobState from, JobState to);
/// FINISHED, CANCELED, FAILED.
bool IsTerminal(JobState state);

}  // namespace weir::jobmanager
