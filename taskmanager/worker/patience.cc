#include "taskmanager/worker/patience.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
#include "common/base/log.h"

namespace weir::taskmanager {
namespace {

absl::Status Late(const absl::Status& status, absl::Duration waited) {
  return WithFailurePolicy(
      absl::Status(status.code(),
                   absl::StrCat(status.message(), "; waited for it for ",
                                absl::FormatDuration(absl::Trunc(waited, absl::Seconds(1))))),
      FailurePolicyOf(status));
}

}  // namespace

absl::Status CallPatiently(const Patience& patience, const std::function<void()>& on_progress,
                           const std::string& who, const std::function<absl::Status()>& call) {
  if (patience.clock == nullptr) return call();
  const absl::Duration start = patience.clock->Monotonic();
  absl::Duration backoff = Patience::kFirstPause;
  bool waits = false;
  // Also the first call asks whether it was cancelled.
  for (absl::Duration pause = absl::ZeroDuration(); patience.wait->Wait(pause);) {
    const absl::Status status = call();
    const absl::Duration waited = patience.clock->Monotonic() - start;
    if (FailurePolicyOf(status) != FailurePolicy::kRestartJob) {
      if (waits && status.ok()) LogInfo("the wait is over", {{"of", who}, {"waited", waited}});
      return status;
    }
    if (waited + backoff > Patience::kBound) return Late(status, waited);
    if (!waits) {
      LogWarning("the generation waits for what passes by itself",
                 {{"of", who}, {"reason", status}, {"at_most", Patience::kBound}});
    }
    waits = true;
    on_progress();
    pause = backoff;
    backoff = std::min(backoff * 2, Patience::kLongestPause);
  }
  return absl::CancelledError(absl::StrCat(who, ": nobody wants the generation any more"));
}

}  // namespace weir::taskmanager
