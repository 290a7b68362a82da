#include "state/checkpoint/job_history.h"

#include <cstddef>

#include "absl/strings/str_cat.h"

namespace weir {

using proto::JobLogEntry;

const JobHistory::OwnedEpoch* JobHistory::newest_owned() const {
  return owned_.empty() ? nullptr : &owned_.rbegin()->second;
}

bool JobHistory::AwaitsReceipt(Epoch epoch) const {
  const auto it = owned_.find(epoch);
  if (it == owned_.end() || !it->second.checkpoint.sinks_prepared()) return false;
  return !committed_through_ || *committed_through_ < epoch;
}

proto::ResumePolicy JobHistory::resume_policy() const {
  const bool settled =
      !resumed_through_ || (committed_through_ && *committed_through_ >= *resumed_through_);
  return settled ? proto::AS_CONFIGURED : resume_policy_;
}

void JobHistory::RaiseEpoch(Epoch epoch) {
  if (!highest_epoch_ || *highest_epoch_ < epoch) highest_epoch_ = epoch;
}

absl::Status JobHistory::ApplyCheckpoint(const JobLogEntry& entry) {
  const Epoch epoch(entry.checkpoint().epoch());
  if (highest_owned_ && epoch <= *highest_owned_) {
    return absl::DataLossError(absl::StrCat("entry ", entry.sequence(), " owns epoch ",
                                            epoch.value(), " behind epoch ",
                                            highest_owned_->value()));
  }
  owned_[epoch] = OwnedEpoch{LeaderTerm(entry.term()), entry.checkpoint()};
  highest_owned_ = epoch;
  RaiseEpoch(epoch);
  return absl::OkStatus();
}

template <class Objects>
void JobHistory::Doom(const Objects& objects) {
  doomed_.insert(doomed_.end(), objects.begin(), objects.end());
}

absl::Status JobHistory::Apply(const JobLogEntry& entry) {
  if (submitted() == (entry.kind_case() == JobLogEntry::kSubmitted)) {
    return absl::DataLossError(
        absl::StrCat("entry ", entry.sequence(), ": the first entry and no other is a submission"));
  }
  if (LeaderTerm(entry.term()) < term_) {
    return absl::DataLossError(absl::StrCat("entry ", entry.sequence(), " of term ", entry.term(),
                                            " follows term ", term_.value()));
  }
  switch (entry.kind_case()) {
    case JobLogEntry::kSubmitted:
      submitted_ = entry.submitted();
      break;
    case JobLogEntry::kTakeover:
      // The new leader deletes again what its predecessor named, and nobody what was named before.
      doomed_.erase(doomed_.begin(), doomed_.begin() + inherited_);
      inherited_ = static_cast<std::ptrdiff_t>(doomed_.size());
      break;
    case JobLogEntry::kStarted:
      generation_ = Generation(entry.started().generation());
      if (!entry.started().cleanup()) ++runs_;
      start_ = entry.started();
      break;
    case JobLogEntry::kCheckpoint:
      if (absl::Status status = ApplyCheckpoint(entry); !status.ok()) return status;
      break;
    case JobLogEntry::kAborted:
      RaiseEpoch(Epoch(entry.aborted().epoch()));
      Doom(entry.aborted().objects());
      break;
    case JobLogEntry::kRetired:
      owned_.erase(Epoch(entry.retired().epoch()));
      Doom(entry.retired().objects());
      break;
    case JobLogEntry::kSwept:
      Doom(entry.swept().objects());
      break;
    case JobLogEntry::kStopRequested:
      stop_ = entry.stop_requested();
      break;
    case JobLogEntry::kFailing:
      failing_ = entry.failing();
      break;
    case JobLogEntry::kTerminal:
      terminal_ = entry.terminal();
      for (const proto::CheckpointRetired& one : terminal_->retired()) {
        owned_.erase(Epoch(one.epoch()));
      }
      break;
    case JobLogEntry::kSuspensionRequested:
      suspension_requested_ = !entry.suspension_requested().withdrawn();
      break;
    case JobLogEntry::kSuspended:
      suspended_ = entry.suspended();
      suspension_requested_ = false;
      break;
    case JobLogEntry::kResumed:
      suspended_.reset();
      suspension_requested_ = false;
      resume_policy_ = entry.resumed().policy();
      resumed_through_ = highest_owned_;
      break;
    case JobLogEntry::kCommitted:
      break;
    case JobLogEntry::KIND_NOT_SET:
      return absl::DataLossError(absl::StrCat("entry ", entry.sequence(), " has no known kind"));
  }
  term_ = LeaderTerm(entry.term());
  if (entry.has_committed_through()) committed_through_ = Epoch(entry.committed_through());
  return absl::OkStatus();
}

}  // namespace weir
