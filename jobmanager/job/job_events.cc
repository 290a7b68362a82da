#include "jobmanager/job/job_events.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {
namespace {

constexpr int kSequenceBits = 40;  // of an event within its term

}  // namespace

JobEvents::JobEvents(LeaderTerm term, const Clock& clock)
    : clock_(clock), last_(term.value() << kSequenceBits) {}

void JobEvents::Append(proto::JobEvent event) {
  event.set_sequence(++last_);
  event.set_at_ms(absl::ToUnixMillis(clock_.Now()));
  if (event.kind() == proto::JobEvent::STATE) state_ = event;
  events_.push_back(std::move(event));
  if (events_.size() > kMax) events_.pop_front();
  for (Watcher& watcher : std::exchange(watchers_, {})) watcher.done(Behind(watcher.sequence));
}

JobEvents::Events JobEvents::Behind(uint64_t sequence) const {
  Events found;
  if (sequence == 0 && state_.has_value()) {
    found.push_back(*state_);
    sequence = state_->sequence();
  }
  for (const proto::JobEvent& event : events_) {
    if (event.sequence() > sequence) found.push_back(event);
  }
  return found;
}

void JobEvents::Await(uint64_t sequence, Done done) {
  Events now = Behind(sequence);
  if (!now.empty()) return done(std::move(now));
  if (watchers_.size() >= kMaxWatchers) {
    return done(absl::UnavailableError(absl::StrCat(kMaxWatchers, " clients watch the job")));
  }
  watchers_.push_back({sequence, clock_.Monotonic() + kPatience, std::move(done)});
}

void JobEvents::Expire() {
  const absl::Duration now = clock_.Monotonic();
  while (!watchers_.empty() && watchers_.front().until <= now) {
    const Done done = std::move(watchers_.front().done);
    watchers_.pop_front();
    done(Events());
  }
}

}  // namespace weir::jobmanager
