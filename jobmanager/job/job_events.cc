#include "jobmanager/job/job_events.h"

#include <algorithm>
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
  events_.push_back(std::move(event));
  if (events_.size() > kMax) events_.pop_front();
  for (Watcher& watcher : std::exchange(watchers_, {})) watcher.done(Behind(watcher.sequence));
}

JobEvents::Events JobEvents::Behind(uint64_t sequence) const {
  auto first = std::find_if(events_.begin(), events_.end(),
                            [sequence](const auto& event) { return event.sequence() > sequence; });
  if (sequence == 0) {
    const auto newest = std::find_if(events_.rbegin(), events_.rend(), [](const auto& event) {
      return event.kind() == proto::JobEvent::STATE;
    });
    if (newest != events_.rend()) first = std::prev(newest.base());
  }
  return Events(first, events_.end());
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
