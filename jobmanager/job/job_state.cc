#include "jobmanager/job/job_state.h"

namespace weir::jobmanager {

absl::string_view JobStateName(JobState state) {
  switch (state) {
    case JobState::kCreated:
      return "CREATED";
    case JobState::kScheduling:
      return "SCHEDULING";
    case JobState::kDeploying:
      return "DEPLOYING";
    case JobState::kRunning:
      return "RUNNING";
    case JobState::kRecovering:
      return "RECOVERING";
    case JobState::kStopping:
      return "STOPPING";
    case JobState::kSuspended:
      return "SUSPENDED";
    case JobState::kCancelling:
      return "CANCELLING";
    case JobState::kFailing:
      return "FAILING";
    case JobState::kFinished:
      return "FINISHED";
    case JobState::kCanceled:
      return "CANCELED";
    case JobState::kFailed:
      return "FAILED";
  }
  return "UNKNOWN";
}

bool IsLegalTransition(JobState from, JobState to) {
  switch (from) {
    case JobState::kCreated:
      return to == JobState::kScheduling || to == JobState::kCancelling || IsTerminal(to) ||
             to == JobState::kSuspended || to == JobState::kFailing;
    case JobState::kScheduling:
      return to == JobState::kDeploying || to == JobState::kCancelling ||
             to == JobState::kRecovering || to == JobState::kFailed || to == JobState::kSuspended ||
             to == JobState::kStopping;
    case JobState::kDeploying:
      return to == JobState::kRunning || to == JobState::kRecovering ||
             to == JobState::kCancelling || to == JobState::kFailed || to == JobState::kSuspended;
    case JobState::kRunning:
      return to == JobState::kStopping || to == JobState::kRecovering ||
             to == JobState::kCancelling || to == JobState::kFinished || to == JobState::kFailed ||
             to == JobState::kSuspended;
    case JobState::kRecovering:
      return to == JobState::kScheduling || to == JobState::kCancelling ||
             to == JobState::kFailing || to == JobState::kFailed || to == JobState::kSuspended;
    case JobState::kStopping:
      return to == JobState::kFinished || to == JobState::kRecovering ||
             to == JobState::kCancelling || to == JobState::kFailed;
    case JobState::kSuspended:
      return to == JobState::kCancelling || to == JobState::kScheduling;
    case JobState::kFailing:
      return to == JobState::kFailed;
    case JobState::kCancelling:
      return to == JobState::kCanceled || to == JobState::kFailed;
    case JobState::kFinished:
    case JobState::kCanceled:
    case JobState::kFailed:
      return false;
  }
  return false;
}

bool IsTerminal(JobState state) {
  return state == JobState::kFinished || state == JobState::kCanceled || state == JobState::kFailed;
}

}  // namespace weir::jobmanager
