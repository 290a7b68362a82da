#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

#include "common/base/seeded_random.h"

namespace weir::sim {

/// Time, order and chance of one simulated run: an event queue on one thread, ordered by virtual
/// time and a seeded tie-break. Everything that happens mixes into one 64-bit hash, which is equal
/// for equal seeds in every process. Not thread-safe: there is one thread.
class SimWorld {
 public:
  using EventId = uint64_t;

  SimWorld(uint64_t seed, bool verbose);

  /// A stream of random numbers of its own: what one component draws does not shift the others.
  SeededRandom Fork(absl::string_view component) const;

  absl::Duration now() const { return absl::Microseconds(now_us_); }
  EventId Schedule(absl::Duration delay, std::function<void()> action);
  void Cancel(EventId event) { actions_.erase(event); }
  /// Runs the next event; false when there is none.
  bool RunNext();
  uint64_t events() const { return events_; }
  /// The end: drops every event, and takes no more, so that what they refer to can be destroyed.
  void Close();

  /// One line of the trace; `detail` may hold ids drawn from the seed, nothing else that varies.
  void Trace(absl::string_view what, absl::string_view who, absl::string_view detail = "");
  uint64_t trace_hash() const { return hash_; }
  bool verbose() const { return verbose_; }

  /// The first broken invariant ends the run.
  void Violate(absl::string_view checker, const std::string& what);
  const std::string& violation() const { return violation_; }
  bool violated() const { return !violation_.empty(); }

  /// True while the work of a blocking pool runs: replies posted then arrive later.
  bool in_blocking_work = false;

 private:
  struct Key {
    int64_t at_us;
    uint64_t tie;
    EventId id;
    bool operator>(const Key& other) const {
      if (at_us != other.at_us) return at_us > other.at_us;
      return tie != other.tie ? tie > other.tie : id > other.id;
    }
  };

  const uint64_t seed_;
  const bool verbose_;
  SeededRandom tie_break_;
  int64_t now_us_ = 0;
  EventId next_event_ = 1;
  uint64_t events_ = 0;
  bool closed_ = false;
  uint64_t hash_;
  std::string violation_;
  std::priority_queue<Key, std::vector<Key>, std::greater<Key>> queue_;
  std::unordered_map<EventId, std::function<void()>> actions_;  // looked up, never iterated
};

/// True `per_mille` times of a thousand.
inline bool Chance(Random& random, uint32_t per_mille) {
  return per_mille > 0 && random.Below(1000) < per_mille;
}
/// Uniform in [low, high].
inline int64_t Between(Random& random, int64_t low, int64_t high) {
  return low + static_cast<int64_t>(random.Below(static_cast<uint64_t>(high - low + 1)));
}

}  // namespace weir::sim
