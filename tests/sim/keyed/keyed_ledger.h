#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "tests/sim/keyed/keyed_expectation.h"

namespace weir::sim {

/// What the sink of a keyed job has got so far, held against the oracle with every result: none
/// that the input does not come to, none twice, those of a key in the order of event time; where
/// records are late, each firing of a window has more rows than the one before, and no row is both
/// late and counted.
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

 private:
  using Total = KeyedExpectation::Total;
  using Account = std::pair<int64_t, int64_t>;
  KeyedLedger(const KeyedInput& input, std::shared_ptr<const KeyedExpectation> expectation)
      : input_(input), expectation_(std::move(expectation)) {}

  const KeyedConfig& config() const { return input_.config(); }
  std::string CommitLate(const KeyedResult& result);
  std::string CommitFired(const KeyedResult& result);
  std::string CheckBalance() const;

  const KeyedInput input_;
  std::shared_ptr<const KeyedExpectation> expectation_;
  std::map<KeyedExpectation::Identity, int> committed_;
  std::map<std::pair<int64_t, int64_t>, int64_t> last_end_;  // by key and kind
  std::map<Account, Total> fired_;  // as of the last firing; of sessions, of all
  std::map<Account, Total> late_;
};

}  // namespace weir::sim
