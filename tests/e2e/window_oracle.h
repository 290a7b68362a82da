#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir {

/// A record of an input topic, as a test makes it.
struct TestEvent {
  int64_t id = 0;
  std::string key;
  int64_t at_ms = 0;
  int32_t partition = -1;  // -1: that of its key

  std::string Line() const { return absl::StrCat(id, " ", key, " ", at_ms); }
};

/// What one window has to say, as a line that can be compared.
inline std::string WindowLine(const std::string& key, int64_t start_ms, int64_t end_ms,
                              int64_t events, int64_t ids) {
  return absl::StrCat(key, " [", start_ms, ",", end_ms, ") ", events, " ", ids);
}

/// One line for each tumbling window of each key that has events: a sum over all of them, whatever
/// their order. Windows whose end is above `until_ms` have not fired. Sorted.
inline std::vector<std::string> TumblingCounts(const std::vector<TestEvent>& events,
                                               int64_t size_ms, int64_t until_ms = INT64_MAX) {
  std::map<std::pair<std::string, int64_t>, std::pair<int64_t, int64_t>> counts;
  for (const TestEvent& event : events) {
    auto& [count, ids] = counts[{event.key, event.at_ms / size_ms * size_ms}];
    ++count;
    ids += event.id;
  }
  std::vector<std::string> lines;
  for (const auto& [window, sums] : counts) {
    const int64_t end = window.second + size_ms;
    if (end > until_ms) continue;
    lines.push_back(WindowLine(window.first, window.second, end, sums.first, sums.second));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Sessions of each key, event by event: what is said when event time has come to their ends, what
/// is said again when late events come, and which events are too late. Of those that come in time
/// the order does not matter.
class SessionOracle {
 public:
  SessionOracle(int64_t gap_ms, int64_t lateness_ms) : gap_(gap_ms), lateness_(lateness_ms) {}

  /// The watermark is below this, in milliseconds.
  void AdvanceTo(int64_t time_ms) {
    time_ = time_ms;
    for (auto& [key, sessions] : sessions_) {
      for (Session& session : sessions) Fire(key, session);
      std::erase_if(sessions, [this](const Session& session) { return IsGone(session.end); });
    }
  }

  void Add(const TestEvent& event) {
    std::vector<Session>& sessions = sessions_[event.key];
    Session merged{event.at_ms, event.at_ms + gap_, 1, event.id, false};
    std::vector<Session> apart;
    for (const Session& session : sessions) {
      if (session.end < event.at_ms || session.start > event.at_ms + gap_) {
        apart.push_back(session);
        continue;
      }
      merged.start = std::min(merged.start, session.start);
      merged.end = std::max(merged.end, session.end);
      merged.events += session.events;
      merged.ids += session.ids;
    }
    if (IsGone(merged.end)) {
      late_.push_back(event.Line());
      return;
    }
    Fire(event.key, merged);
    apart.push_back(merged);
    sessions = std::move(apart);
  }

  /// All that was said so far, and all that was too late. Sorted.
  std::vector<std::string> lines() const { return Sorted(lines_); }
  std::vector<std::string> late() const { return Sorted(late_); }

 private:
  struct Session {
    int64_t start = 0;
    int64_t end = 0;
    int64_t events = 0;
    int64_t ids = 0;
    bool fired = false;
  };
  static std::vector<std::string> Sorted(std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
  }
  bool IsGone(int64_t end) const { return end + lateness_ <= time_; }
  void Fire(const std::string& key, Session& session) {
    if (session.fired || session.end > time_) return;
    session.fired = true;
    lines_.push_back(WindowLine(key, session.start, session.end, session.events, session.ids));
  }

  const int64_t gap_;
  const int64_t lateness_;
  int64_t time_ = INT64_MIN / 2;
  std::map<std::string, std::vector<Session>> sessions_;
  std::vector<std::string> lines_;
  std::vector<std::string> late_;
};

}  // namespace weir
