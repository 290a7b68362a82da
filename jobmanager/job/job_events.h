#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/time/clock.h"
#include "proto/client.pb.h"

namespace weir::jobmanager {

/// What happened to one job under one leadership, for those who watch it: the newest events, and
/// the watchers that wait for the next one.
///
/// Threads: one; answers are given within Append, End and Expire. `clock` outlives it. Destroying
/// it answers nobody. Bounds: kMax events, kMaxWatchers watchers.
class JobEvents {
 public:
  static constexpr size_t kMax = 1000;
  static constexpr size_t kMaxWatchers = 256;
  /// A watcher gets an empty answer after this long, and may ask again.
  static constexpr absl::Duration kPatience = absl::Seconds(20);
  using Events = std::vector<proto::JobEvent>;
  using Done = std::function<void(absl::StatusOr<Events>)>;

  /// Sequences of a later term are above those of an earlier one.
  JobEvents(LeaderTerm term, const Clock& clock);

  /// Gives the event its sequence and time.
  void Append(proto::JobEvent event);
  /// Events behind `sequence`, as soon as there are some; 0: the newest state, and what came after
  /// it. Events that are no longer kept, but for the newest state, are left out. UNAVAILABLE: too
  /// many watchers.
  void Await(uint64_t sequence, Done done);
  /// Answers those who have waited for kPatience; to be called now and then.
  void Expire();

 private:
  struct Watcher {
    uint64_t sequence;
    absl::Duration until;
    Done done;
  };
  Events Behind(uint64_t sequence) const;

  const Clock& clock_;
  uint64_t last_;  // sequence
  std::deque<proto::JobEvent> events_;
  std::optional<proto::JobEvent> state_;  // the newest one
  std::list<Watcher> watchers_;
};

}  // namespace weir::jobmanager
