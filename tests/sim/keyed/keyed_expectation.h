#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "tests/sim/keyed/keyed_input.h"
#include "tests/sim/keyed/keyed_records.h"

namespace weir::sim {

/// The oracle of keyed jobs: what the records of the input come to, by nothing but the definitions
/// of windows (docs/protocols/windows.md). It shares no code with the operators.
class KeyedExpectation {
 public:
  /// Of a result; there is at most one for each.
  struct Identity {
    int64_t key = 0;
    int64_t kind = 0;
    int64_t start = 0;
    int64_t end = 0;
    auto operator<=>(const Identity&) const = default;
    static Identity Of(const KeyedResult& result) {
      return {result.key, result.kind, result.start, result.end};
    }
  };
  struct Total {
    int64_t count = 0;
    int64_t sum = 0;
    void Add(int64_t rows, int64_t values) {
      count += rows;
      sum += values;
    }
    bool operator==(const Total&) const = default;
  };
  using Results = std::map<Identity, KeyedResult>;

  explicit KeyedExpectation(const KeyedInput& input);

  /// Where no record is late, or none too late: the last firings.
  const Results& results() const { return results_; }
  /// A key and the start of its window. A key has one account alone, at 0, with sessions, whose
  /// ends depend on which rows were late, and by the clock.
  using Account = std::pair<int64_t, int64_t>;
  using Rows = std::vector<KeyedInput::Record>;
  /// The rows of the input in each account; with sliding windows one row is in several.
  const std::map<Account, Rows>& accounts() const { return accounts_; }
  /// The last of the windows that the row is in starts there. What is not late is in that one.
  int64_t LastStart(const KeyedInput::Record& record) const {
    return FloorTo(record.time_us, config_.slide_us);
  }
  /// By the clock: how many rows come out.
  uint64_t rows_by_clock() const { return rows_by_clock_; }

  /// A slot of timers has a second one, so long behind its first.
  static int64_t ClosingDelay(const KeyedConfig& config) { return config.size_us / 2 + 3; }

 private:
  void AddToAccounts(const KeyedInput::Record& record);
  void AddWindows(int64_t key, const Rows& rows);
  void AddSessions(int64_t key, Rows rows);
  void AddNumbers();
  void AddClosings();
  void AddSecondWindows();

  const KeyedConfig config_;
  Results results_;
  std::map<Account, Rows> accounts_;
  uint64_t rows_by_clock_ = 0;
};

}  // namespace weir::sim
