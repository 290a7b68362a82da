#include "jobmanager/checkpoint/job_log.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::jobmanager {

using proto::JobLogEntry;

JobLog::JobLog(std::string directory, LeaderTerm term, CreateOnlyLog::Dependencies dependencies,
               Random& random, std::function<void(const absl::Status&)> on_stale)
    : term_(term),
      log_(std::move(directory), CreateOnlyLog::Options{}, dependencies, random),
      on_stale_(std::move(on_stale)) {}

void JobLog::Load(Done done) {
  log_.Load([this](const JobLogEntry& entry) { return ApplyOfOthers(entry); },
            [this, done = std::move(done)](absl::Status status) {
              if (status.ok() && !history_.submitted()) {
                status = absl::NotFoundError("the job's log is empty");
              }
              if (absl::IsAborted(status)) on_stale_(status);
              done(status);
            });
}

absl::Status JobLog::ApplyOfOthers(const JobLogEntry& entry) {
  if (LeaderTerm(entry.term()) > term_) {
    return absl::AbortedError(absl::StrCat("leader of term ", entry.term(), " took over"));
  }
  return history_.Apply(entry);
}

JobLogEntry JobLog::Complete(JobLogEntry entry) const {
  entry.set_term(term_.value());
  if (committed_) entry.set_committed_through(committed_->value());
  return entry;
}

void JobLog::TakeOver(const proto::Term& term, Done done) {
  auto entry = std::make_shared<JobLogEntry>();
  log_.AppendAdvancing(
      [this, entry, term] {
        entry->Clear();
        *entry->mutable_takeover()->mutable_term() = term;
        *entry = Complete(*entry);
        return *entry;
      },
      [this](const JobLogEntry& other) -> absl::Status {
        WEIR_RETURN_IF_ERROR(ApplyOfOthers(other));
        if (history_.terminal() == nullptr) return absl::OkStatus();
        return absl::AbortedError("the job has ended");
      },
      [this, entry, done = std::move(done)](absl::StatusOr<uint64_t> result) {
        // Its former leader has ended it meanwhile: nothing follows.
        if (!result.ok() && history_.terminal() != nullptr) return done(absl::OkStatus());
        absl::Status status = result.ok() ? history_.Apply(*entry) : result.status();
        if (absl::IsAborted(status)) on_stale_(status);
        done(status);
      });
}

void JobLog::Append(Maker make, Done done) {
  auto entry = std::make_shared<JobLogEntry>();
  log_.Append(
      [this, entry, make = std::move(make)] {
        *entry = Complete(make(history_));
        return *entry;
      },
      [this, entry, done = std::move(done)](absl::StatusOr<uint64_t> result) {
        if (result.ok()) entry->set_sequence(*result);
        absl::Status status = result.ok() ? history_.Apply(*entry) : result.status();
        if (absl::IsAborted(status)) on_stale_(status);
        done(status);
      });
}

void JobLog::SetCommitted(Epoch epoch) {
  if (!committed_ || *committed_ < epoch) committed_ = epoch;
}

bool JobLog::receipt_due() const {
  if (!committed_) return false;
  return !history_.committed_through() || *history_.committed_through() < *committed_;
}

}  // namespace weir::jobmanager
