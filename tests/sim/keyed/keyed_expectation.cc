#include "tests/sim/keyed/keyed_expectation.h"

#include <algorithm>
#include <utility>

namespace weir::sim {

using Program = KeyedConfig::Program;

KeyedExpectation::KeyedExpectation(const KeyedInput& input) : config_(input.config()) {
  std::map<int64_t, Rows> keys;
  for (const KeyedInput::Record& record : input.All()) {
    if (input.IsLast(record.split, record.index)) continue;
    keys[record.key].push_back(record);
    AddToAccounts(record);
  }
  if (config_.by_clock() || (config_.late && !config_.patient())) return;
  for (auto& [key, rows] : keys) {
    if (config_.program == Program::kSession) {
      AddSessions(key, std::move(rows));
    } else {
      AddWindows(key, rows);
    }
  }
  if (config_.second) {
    AddSecondWindows();
  } else if (config_.program == Program::kTimers) {
    AddNumbers();
    AddClosings();
  }
}

void KeyedExpectation::AddToAccounts(const KeyedInput::Record& record) {
  if (config_.by_clock()) ++rows_by_clock_;
  if (!config_.late && !config_.by_clock()) return;
  if (config_.by_clock() || config_.program == Program::kSession) {
    accounts_[{record.key, 0}].push_back(record);
    return;
  }
  for (int64_t start = LastStart(record); start > record.time_us - config_.size_us;
       start -= config_.slide_us) {
    accounts_[{record.key, start}].push_back(record);
  }
}

void KeyedExpectation::AddWindows(int64_t key, const Rows& rows) {
  std::map<int64_t, Total> windows;  // by start
  for (const KeyedInput::Record& row : rows) {
    for (int64_t start = FloorTo(row.time_us, config_.slide_us);
         start > row.time_us - config_.size_us; start -= config_.slide_us) {
      windows[start].Add(1, row.value);
    }
  }
  for (const auto& [start, total] : windows) {
    const KeyedResult result{key,         KeyedResult::kFired, start, start + config_.size_us,
                             total.count, total.sum,           0};
    results_[Identity::Of(result)] = result;
  }
}

void KeyedExpectation::AddSessions(int64_t key, Rows rows) {
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.time_us < b.time_us; });
  KeyedResult session;
  const auto close = [&] {
    if (session.count > 0) results_[Identity::Of(session)] = session;
  };
  for (const KeyedInput::Record& row : rows) {
    if (session.count == 0 || row.time_us > session.end) {
      close();
      session = {key, KeyedResult::kFired, row.time_us, 0, 0, 0, 0};
    }
    session.end = row.time_us + config_.size_us;
    ++session.count;
    session.sum += row.value;
  }
  close();
}

// Slots of a key fire in the order of their times.
void KeyedExpectation::AddNumbers() {
  std::map<int64_t, int64_t> fired;  // by key
  for (auto& [identity, result] : results_) result.number = ++fired[result.key];
}

void KeyedExpectation::AddClosings() {
  std::map<int64_t, std::vector<int64_t>> ends;  // by key, rising
  for (const auto& [identity, result] : results_) ends[result.key].push_back(result.end);
  for (const auto& [key, slots] : ends) {
    for (const int64_t end : slots) {
      const int64_t at = end - 1 + ClosingDelay(config_);
      const auto fired = std::upper_bound(slots.begin(), slots.end(), at) - slots.begin();
      const KeyedResult closing{key, KeyedResult::kClosing, at, at, 0, 0, fired};
      results_[Identity::Of(closing)] = closing;
    }
  }
}

// A result has the time of its window's end, less a microsecond.
void KeyedExpectation::AddSecondWindows() {
  const int64_t size = config_.second_size_us();
  Results windows;
  for (const auto& [identity, result] : results_) {
    const int64_t start = FloorTo(result.end - 1, size);
    KeyedResult window{
        result.key % KeyedConfig::kSecondKeys, KeyedResult::kFired, start, start + size, 0, 0, 0};
    KeyedResult& to = windows.try_emplace(Identity::Of(window), window).first->second;
    to.count += result.count;
    to.sum += result.sum;
  }
  results_ = std::move(windows);
}

}  // namespace weir::sim
