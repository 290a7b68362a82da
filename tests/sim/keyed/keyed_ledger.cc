#include "tests/sim/keyed/keyed_ledger.h"

#include "absl/strings/str_cat.h"

namespace weir::sim {

using Identity = KeyedExpectation::Identity;

std::string KeyedLedger::Commit(const KeyedResult& result) {
  if (result.kind == KeyedResult::kLate) return CommitLate(result);
  if (config().late) return CommitFired(result);
  if (std::string wrong = Deliver(result); !wrong.empty()) return wrong;
  if (committed_.at(Identity::Of(result)) > 1) {
    return absl::StrCat("committed twice: ", result.ToString());
  }
  const auto [last, first] = last_end_.try_emplace({result.key, result.kind}, result.end);
  if (!first && result.end <= last->second) {
    return absl::StrCat("committed behind a result of the same key that ends at ", last->second,
                        ": ", result.ToString());
  }
  last->second = result.end;
  return "";
}

std::string KeyedLedger::Deliver(const KeyedResult& result) {
  const auto expected = expectation_->results().find(Identity::Of(result));
  if (expected == expectation_->results().end()) {
    return absl::StrCat("the input has nothing like it: ", result.ToString());
  }
  if (!(expected->second == result)) {
    return absl::StrCat("wrong: ", result.ToString(), "; the input comes to ",
                        expected->second.ToString());
  }
  ++committed_[expected->first];
  return "";
}

std::string KeyedLedger::CommitLate(const KeyedResult& result) {
  if (!config().late) return absl::StrCat("nothing is late here: ", result.ToString());
  if (result.start < 0 || result.end < 0 || result.end >= input_.EndOf(result.start)) {
    return absl::StrCat("no such record: ", result.ToString());
  }
  const KeyedInput::Record record = input_.At(result.start, result.end);
  if (record.key != result.key || record.value != result.sum || result.count != 1) {
    return absl::StrCat("not the record that it says: ", result.ToString());
  }
  if (++committed_[Identity::Of(result)] > 1) {
    return absl::StrCat("committed twice: ", result.ToString());
  }
  late_[expectation_->AccountOf(record)].Add(1, record.value);
  return "";
}

std::string KeyedLedger::CommitFired(const KeyedResult& result) {
  if (config().program == KeyedConfig::Program::kSession) {
    // A session that has fired ends at or before the watermark, one that comes to be above it.
    const auto [last, first] = last_end_.try_emplace({result.key, result.kind}, result.end);
    if (!first && result.end <= last->second) {
      return absl::StrCat("born again: another session of the key ended at ", last->second,
                          " and has fired: ", result.ToString());
    }
    last->second = result.end;
    fired_[{result.key, 0}].Add(result.count, result.sum);
    return "";
  }
  const auto input = expectation_->accounts().find({result.key, result.start});
  if (input == expectation_->accounts().end() || result.count > input->second.count ||
      result.count < 1 || result.end != result.start + config().size_us) {
    return absl::StrCat("the input has not so much: ", result.ToString());
  }
  const auto [before, first] = fired_.try_emplace({result.key, result.start});
  if (!first && (config().lateness_us == 0 || result.count <= before->second.count)) {
    return absl::StrCat("fired already, with ", before->second.count, " rows: ", result.ToString());
  }
  before->second = {result.count, result.sum};
  return "";
}

std::string KeyedLedger::CheckComplete() const {
  if (config().late) return CheckBalance();
  for (const auto& [identity, result] : expectation_->results()) {
    if (committed_.count(identity) == 0) return absl::StrCat("missing: ", result.ToString());
  }
  return "";
}

// late + counted = input
std::string KeyedLedger::CheckBalance() const {
  for (const auto& [account, input] : expectation_->accounts()) {
    const auto fired = fired_.find(account);
    const auto late = late_.find(account);
    const Total counted = fired == fired_.end() ? Total() : fired->second;
    Total both = counted;
    if (late != late_.end()) both.Add(late->second.count, late->second.sum);
    if (both == input) continue;
    return absl::StrCat("key ", account.first, " at ", account.second, ": ", input.count,
                        " rows of the input, sum ", input.sum, "; ", counted.count,
                        " were counted and ", both.count - counted.count, " were late, sum ",
                        both.sum);
  }
  return "";
}

}  // namespace weir::sim
