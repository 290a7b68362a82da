#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "tests/sim/keyed/keyed_expectation.h"

namespace weir::sim {

/// What the sink of a keyed job has got so far, held against the oracle with every result: none
/// that the input does not come to, none twice, those of a key in the order of event time; where
/// records are late, each firing of a window has more rows than the one before, and no row is both
/// late and counted; by the clock, each row comes out once.
class KeyedLedger {
 public:
  explicit KeyedLedger(const KeyedInput& input)
      : input_(input), expectation_(std::make_shared<const KeyedExpectation>(input)) {}

  /// An empty one for the same input.
  KeyedLedger Fresh() const { return KeyedLedger(input_, expectation_); }

  /// The sentence that says what is wrong with it; empty: nothing. Of a sink that is exactly once.
  std::string Commit(const KeyedResult& result);
  /// The same of one that is at least once, in no order.
  std::string Deliver(const KeyedResult& result);
  /// Nothing is missing.
  std::string CheckComplete() const;
  /// By the clock: all rows have come out, but the last of each split.
  bool AllByClock() const { return rows_by_clock_ == expectation_->rows_by_clock(); }

 private:
  using Total = KeyedExpectation::Total;
  using Account = KeyedExpectation::Account;
  struct FiredSession {
    int64_t end = 0;
    Total rows;
  };
  /// What has fired of one key, with an allowed lateness.
  struct FiredSessions {
    std::map<int64_t, FiredSession> last;  // by start: what was not merged into another since
    Total all;                             // of all firings
    bool unsure = false;                   // one may have gone, or may have been merged
  };
  KeyedLedger(const KeyedInput& input, std::shared_ptr<const KeyedExpectation> expectation)
      : input_(input), expectation_(std::move(expectation)) {}

  const KeyedConfig& config() const { return input_.config(); }
  std::string CommitLate(const KeyedResult& result);
  std::string CommitFired(const KeyedResult& result);
  std::string CommitSession(const KeyedResult& result);
  std::string CommitSessionAgain(const KeyedResult& result);
  std::string CommitByClock(const KeyedResult& result);
  // Of a result that says which record it is of.
  std::string CheckRecord(const KeyedResult& result) const;
  std::string CheckPatientSession(const KeyedResult& result) const;
  std::string CheckBalance() const;
  std::string CheckWindow(const Account& account, const KeyedExpectation::Rows& rows) const;
  std::string CheckSessions(const Account& account, const KeyedExpectation::Rows& rows) const;
  std::string CheckByClock() const;
  Total LateOf(const KeyedExpectation::Rows& rows) const;
  bool IsSure(const Account& account, const KeyedInput::Record& row) const;

  const KeyedInput input_;
  std::shared_ptr<const KeyedExpectation> expectation_;
  std::map<KeyedExpectation::Identity, int> committed_;
  std::map<std::pair<int64_t, int64_t>, int64_t> last_end_;  // by key and kind
  std::map<Account, Total> fired_;  // as of the last firing; of sessions, and by the clock, of all
  std::map<int64_t, FiredSessions> sessions_;   // by key
  std::set<std::pair<int64_t, int64_t>> late_;  // by split and index
  uint64_t rows_by_clock_ = 0;
};

}  // namespace weir::sim
