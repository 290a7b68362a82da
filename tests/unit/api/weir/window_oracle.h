#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/api/weir/testing_windows.h"
#include "weir/window_assigners.h"

namespace weir {

/// What windows are to give, said as simply as can be: every window is kept alone, and all of them
/// are looked at always.
class WindowOracle {
 public:
  explicit WindowOracle(internal::WindowSpec spec) : spec_(std::move(spec)) {}

  void Push(const std::string& user, int64_t count, int64_t time) {
    if (spec_.kind == internal::WindowSpec::Kind::kSession) return PushSession(user, count, time);
    bool covered = false;
    bool taken = false;
    for (int64_t start = FirstStart(time); start > time - spec_.size_micros;
         start -= spec_.slide_micros) {
      covered = true;
      const int64_t end = start + spec_.size_micros;
      if (Gone(user, end)) continue;
      taken = true;
      Window& window = windows_[{user, start}];
      window.end = end;
      window.count += count;
      window.fires_again = end - 1 <= watermarks_[user];
    }
    if (covered && !taken) ++late_;
  }
  /// Behind the rows of a batch.
  void EndBatch() {
    for (auto& [id, window] : windows_) {
      if (std::exchange(window.fires_again, false)) Emit(id.first, id.second, window);
    }
  }

  /// For these users; it never goes back.
  void Advance(const std::function<bool(const std::string&)>& of, int64_t watermark) {
    for (auto& [user, reached] : watermarks_) {
      if (of(user)) reached = std::max(reached, watermark);
    }
    for (auto it = windows_.begin(); it != windows_.end();) {
      const auto& [user, start] = it->first;
      Window& window = it->second;
      if (!window.fired && window.end - 1 <= watermarks_[user]) Emit(user, start, window);
      it = Gone(user, window.end) ? windows_.erase(it) : std::next(it);
    }
  }

  void AddUser(const std::string& user) { watermarks_.emplace(user, INT64_MIN); }
  /// Sorted.
  std::vector<std::string> TakeTexts() {
    std::sort(texts_.begin(), texts_.end());
    return std::exchange(texts_, {});
  }
  uint64_t late() const { return late_; }
  bool empty() const { return windows_.empty(); }

 private:
  struct Window {
    int64_t end = 0;
    int64_t count = 0;
    bool fired = false;
    bool fires_again = false;  // when the batch is over
  };

  // The start of the last window that begins at `time` or before.
  int64_t FirstStart(int64_t time) const {
    int64_t start = spec_.offset_micros;
    while (start > time) start -= spec_.slide_micros;
    while (start + spec_.slide_micros <= time) start += spec_.slide_micros;
    return start;
  }
  bool Gone(const std::string& user, int64_t end) const {
    const int64_t watermark = watermarks_.at(user);
    return watermark >= 0 && end - 1 + spec_.lateness_micros <= watermark;
  }
  void PushSession(const std::string& user, int64_t count, int64_t time) {
    Window merged{time + spec_.size_micros, count};
    int64_t start = time;
    std::vector<std::pair<std::string, int64_t>> met;
    for (const auto& [id, window] : windows_) {
      if (id.first != user || window.end < time || id.second > time + spec_.size_micros) continue;
      met.push_back(id);
      start = std::min(start, id.second);
      merged.end = std::max(merged.end, window.end);
      merged.count += window.count;
    }
    if (Gone(user, merged.end)) {
      ++late_;
      return;
    }
    for (const auto& id : met) windows_.erase(id);
    merged.fires_again = merged.end - 1 <= watermarks_[user];
    windows_[{user, start}] = merged;
  }
  void Emit(const std::string& user, int64_t start, Window& window) {
    window.fired = true;
    texts_.push_back(TextOf({user, start, window.end, window.count}));
  }

  const internal::WindowSpec spec_;
  std::map<std::string, int64_t> watermarks_;
  std::map<std::pair<std::string, int64_t>, Window> windows_;  // by user and start
  std::vector<std::string> texts_;
  uint64_t late_ = 0;
};

}  // namespace weir
