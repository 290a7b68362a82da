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

/// Windows of each key, event by event: what is said when event time has come to their ends, what
/// is said again when late events come, and which events are too late. Of those that come in time
/// the order does not matter.
class LateWindowOracle {
 public:
  explicit LateWindowOracle(int64_t lateness_ms) : lateness_(lateness_ms) {}
  virtual ~LateWindowOracle() = default;

  /// The watermark is below this, in milliseconds.
  void AdvanceTo(int64_t time_ms) {
    time_ = time_ms;
    for (auto& [key, windows] : windows_) {
      for (Window& window : windows) Fire(key, window);
      std::erase_if(windows, [this](const Window& window) { return IsGone(window.end); });
    }
  }
  void Add(const TestEvent& event) {
    if (!AddTo(windows_[event.key], event)) late_.push_back(event.Line());
  }

  /// All that was said so far, and all that was too late. Sorted.
  std::vector<std::string> lines() const { return Sorted(lines_); }
  std::vector<std::string> late() const { return Sorted(late_); }

 protected:
  struct Window {
    int64_t start = 0;
    int64_t end = 0;
    int64_t events = 0;
    int64_t ids = 0;
    bool fired = false;
  };
  /// False: it is too late.
  virtual bool AddTo(std::vector<Window>& windows, const TestEvent& event) = 0;

  bool IsGone(int64_t end) const { return end + lateness_ <= time_; }
  void Fire(const std::string& key, Window& window) {
    if (window.fired || window.end > time_) return;
    window.fired = true;
    lines_.push_back(WindowLine(key, window.start, window.end, window.events, window.ids));
  }

 private:
  static std::vector<std::string> Sorted(std::vector<std::string> lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  const int64_t lateness_;
  int64_t time_ = INT64_MIN / 2;
  std::map<std::string, std::vector<Window>> windows_;
  std::vector<std::string> lines_;
  std::vector<std::string> late_;
};

class SessionOracle final : public LateWindowOracle {
 public:
  SessionOracle(int64_t gap_ms, int64_t lateness_ms)
      : LateWindowOracle(lateness_ms), gap_(gap_ms) {}

 private:
  bool AddTo(std::vector<Window>& sessions, const TestEvent& event) override {
    Window merged{event.at_ms, event.at_ms + gap_, 1, event.id, false};
    std::vector<Window> apart;
    for (const Window& session : sessions) {
      if (session.end < event.at_ms || session.start > event.at_ms + gap_) {
        apart.push_back(session);
        continue;
      }
      merged.start = std::min(merged.start, session.start);
      merged.end = std::max(merged.end, session.end);
      merged.events += session.events;
      merged.ids += session.ids;
    }
    if (IsGone(merged.end)) return false;
    Fire(event.key, merged);
    apart.push_back(merged);
    sessions = std::move(apart);
    return true;
  }

  const int64_t gap_;
};

/// Times are not before 1970.
class SlidingOracle final : public LateWindowOracle {
 public:
  SlidingOracle(int64_t size_ms, int64_t slide_ms, int64_t lateness_ms)
      : LateWindowOracle(lateness_ms), size_(size_ms), slide_(slide_ms) {}

 private:
  bool AddTo(std::vector<Window>& windows, const TestEvent& event) override {
    const int64_t last = event.at_ms / slide_ * slide_;
    if (IsGone(last + size_)) return false;
    for (int64_t start = last; start + size_ > event.at_ms; start -= slide_) {
      if (IsGone(start + size_)) continue;
      Window& window = WindowAt(windows, start);
      ++window.events;
      window.ids += event.id;
      window.fired = false;
      Fire(event.key, window);
    }
    return true;
  }
  Window& WindowAt(std::vector<Window>& windows, int64_t start) const {
    for (Window& window : windows) {
      if (window.start == start) return window;
    }
    return windows.emplace_back(Window{start, start + size_, 0, 0, false});
  }

  const int64_t size_;
  const int64_t slide_;
};

}  // namespace weir
