#include "tests/sim/keyed/keyed_ledger.h"

#include <vector>

#include "absl/strings/str_cat.h"

namespace weir::sim {

using Identity = KeyedExpectation::Identity;

namespace {

// Do `count` of these come to `sum`?
bool ComesTo(const std::vector<int64_t>& values, size_t at, int64_t count, int64_t sum) {
  if (count == 0) return sum == 0;
  if (sum < 0 || static_cast<int64_t>(values.size() - at) < count) return false;
  return ComesTo(values, at + 1, count - 1, sum - values[at]) ||
         ComesTo(values, at + 1, count, sum);
}

constexpr size_t kTriedRows = 12;

}  // namespace

std::string KeyedLedger::Commit(const KeyedResult& result) {
  if (result.kind == KeyedResult::kLate) return CommitLate(result);
  if (config().by_clock()) return CommitByClock(result);
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
  if (config().by_clock()) {
    if (committed_.count(Identity::Of(result)) > 0) return "";
    return CommitByClock(result);
  }
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

std::string KeyedLedger::CheckRecord(const KeyedResult& result) const {
  if (result.start < 0 || result.start >= input_.splits() || result.end < 0 ||
      result.end >= input_.EndOf(result.start) || input_.IsLast(result.start, result.end)) {
    return absl::StrCat("no such record: ", result.ToString());
  }
  const KeyedInput::Record record = input_.At(result.start, result.end);
  if (record.key != result.key || record.value != result.sum || result.count != 1) {
    return absl::StrCat("not the record that it says: ", result.ToString());
  }
  return "";
}

std::string KeyedLedger::CommitLate(const KeyedResult& result) {
  if (!config().late || config().patient()) {
    return absl::StrCat("nothing is late here: ", result.ToString());
  }
  if (std::string wrong = CheckRecord(result); !wrong.empty()) return wrong;
  if (!late_.emplace(result.start, result.end).second) {
    return absl::StrCat("committed twice: ", result.ToString());
  }
  return "";
}

std::string KeyedLedger::CommitByClock(const KeyedResult& result) {
  if (config().program == KeyedConfig::Program::kClockTimers) {
    if (result.kind != KeyedResult::kTicked) return absl::StrCat("wrong: ", result.ToString());
    if (std::string wrong = CheckRecord(result); !wrong.empty()) return wrong;
    if (++committed_[Identity::Of(result)] > 1) {
      return absl::StrCat("committed twice: ", result.ToString());
    }
    ++rows_by_clock_;
    return "";
  }
  const auto input = expectation_->accounts().find({result.key, 0});
  Total& fired = fired_[{result.key, 0}];
  fired.Add(result.count, result.sum);
  rows_by_clock_ += static_cast<uint64_t>(result.count);
  if (result.kind != KeyedResult::kFired || result.count < 1 ||
      result.end != result.start + config().size_us ||
      FloorTo(result.start, config().size_us) != result.start ||
      input == expectation_->accounts().end() ||
      static_cast<uint64_t>(fired.count) > input->second.size()) {
    return absl::StrCat("the input has not so much: ", result.ToString());
  }
  return "";
}

std::string KeyedLedger::CommitFired(const KeyedResult& result) {
  if (config().program == KeyedConfig::Program::kSession) return CommitSession(result);
  const auto input = expectation_->accounts().find({result.key, result.start});
  if (input == expectation_->accounts().end() || result.count < 1 ||
      static_cast<size_t>(result.count) > input->second.size() ||
      result.end != result.start + config().size_us) {
    return absl::StrCat("the input has not so much: ", result.ToString());
  }
  const auto [before, first] = fired_.try_emplace({result.key, result.start});
  if (!first && (config().lateness_us == 0 || result.count <= before->second.count)) {
    return absl::StrCat("fired already, with ", before->second.count, " rows: ", result.ToString());
  }
  before->second = {result.count, result.sum};
  return "";
}

std::string KeyedLedger::CommitSession(const KeyedResult& result) {
  if (config().lateness_us > 0) return CommitSessionAgain(result);
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

// One that has fired is merged with what comes to it until its lateness is over. Then it is gone,
// and others that come to be end later, wherever they begin.
std::string KeyedLedger::CommitSessionAgain(const KeyedResult& result) {
  if (config().patient()) {
    if (std::string wrong = CheckPatientSession(result); !wrong.empty()) return wrong;
  }
  FiredSessions& key = sessions_[result.key];
  Total merged;  // for certain
  for (auto at = key.last.begin(); at != key.last.end();) {
    const auto& [start, session] = *at;
    if (start > result.end || session.end < result.start) {
      ++at;
      continue;
    }
    const bool within = result.start <= start && session.end <= result.end;
    if (!within && (session.end >= result.end || config().patient())) {
      return absl::StrCat("born again: another session of the key, from ", start, " to ",
                          session.end, ", has fired: ", result.ToString());
    }
    if (!within) {
      ++at;
      continue;
    }
    if (session.end == result.end || config().patient()) {
      merged.Add(session.rows.count, session.rows.sum);
    } else {
      key.unsure = true;
    }
    at = key.last.erase(at);
  }
  if (result.count <= merged.count || result.sum < merged.sum) {
    return absl::StrCat("fired already, with ", merged.count, " rows: ", result.ToString());
  }
  key.last[result.start] = {result.end, {result.count, result.sum}};
  key.all.Add(result.count, result.sum);
  return "";
}

// It is a part of one that the input comes to.
std::string KeyedLedger::CheckPatientSession(const KeyedResult& result) const {
  auto whole = expectation_->results().upper_bound(
      {result.key, KeyedResult::kFired, result.start, INT64_MAX});
  if (whole != expectation_->results().begin()) {
    const KeyedResult& of = (--whole)->second;
    if (of.key == result.key && of.start <= result.start && result.end <= of.end &&
        result.count <= of.count && result.sum <= of.sum) {
      return "";
    }
  }
  return absl::StrCat("the input has nothing like it: ", result.ToString());
}

std::string KeyedLedger::CheckComplete() const {
  if (config().by_clock()) return CheckByClock();
  if (config().late) return CheckBalance();
  for (const auto& [identity, result] : expectation_->results()) {
    if (committed_.count(identity) == 0) return absl::StrCat("missing: ", result.ToString());
  }
  return "";
}

std::string KeyedLedger::CheckByClock() const {
  for (const auto& [account, rows] : expectation_->accounts()) {
    Total input;
    for (const KeyedInput::Record& row : rows) {
      input.Add(1, row.value);
      if (config().program != KeyedConfig::Program::kClockTimers) continue;
      const KeyedResult result{row.key, KeyedResult::kTicked, row.split, row.index, 1, row.value,
                               0};
      if (committed_.count(Identity::Of(result)) == 0) {
        return absl::StrCat("missing: ", result.ToString());
      }
    }
    if (config().program == KeyedConfig::Program::kClockTimers) continue;
    const auto fired = fired_.find(account);
    const Total counted = fired == fired_.end() ? Total() : fired->second;
    if (counted == input) continue;
    return absl::StrCat("key ", account.first, ": ", input.count, " rows of the input, sum ",
                        input.sum, "; ", counted.count, " were counted, sum ", counted.sum);
  }
  return "";
}

std::string KeyedLedger::CheckBalance() const {
  for (const auto& [account, rows] : expectation_->accounts()) {
    const bool sessions = config().program == KeyedConfig::Program::kSession;
    std::string wrong = sessions ? CheckSessions(account, rows) : CheckWindow(account, rows);
    if (!wrong.empty()) return wrong;
  }
  for (const auto& [key, fired] : sessions_) {
    for (const auto& [start, session] : fired.last) {
      const auto whole =
          expectation_->results().find({key, KeyedResult::kFired, start, session.end});
      if (!config().patient() || whole != expectation_->results().end()) continue;
      return absl::StrCat("key ", key, ": a part of a session, from ", start, " to ", session.end,
                          ", was not merged");
    }
  }
  return "";
}

KeyedLedger::Total KeyedLedger::LateOf(const KeyedExpectation::Rows& rows) const {
  Total late;
  for (const KeyedInput::Record& row : rows) {
    if (late_.count({row.split, row.index}) > 0) late.Add(1, row.value);
  }
  return late;
}

// late + counted = input
std::string KeyedLedger::CheckSessions(const Account& account,
                                       const KeyedExpectation::Rows& rows) const {
  Total input;
  for (const KeyedInput::Record& row : rows) input.Add(1, row.value);
  const Total late = LateOf(rows);
  Total least = late;
  Total most = late;
  if (const auto fired = fired_.find(account); fired != fired_.end()) {
    least.Add(fired->second.count, fired->second.sum);
    most = least;
  }
  bool unsure = false;
  if (const auto again = sessions_.find(account.first); again != sessions_.end()) {
    for (const auto& [start, session] : again->second.last) {
      least.Add(session.rows.count, session.rows.sum);
    }
    unsure = again->second.unsure;
    most.Add(again->second.all.count, again->second.all.sum);
  }
  const bool right = unsure ? least.count <= input.count && input.count <= most.count &&
                                  least.sum <= input.sum && input.sum <= most.sum
                            : least == input;
  if (right) return "";
  return absl::StrCat("key ", account.first, ": ", input.count, " rows of the input, sum ",
                      input.sum, "; ", least.count - late.count, " were counted and ", late.count,
                      " were late, sum ", least.sum);
}

// A row that is not late is in the last of its windows, if not in those that had gone; one that was
// in time, or is waited for, in each.
bool KeyedLedger::IsSure(const Account& account, const KeyedInput::Record& row) const {
  if (config().patient() || expectation_->LastStart(row) == account.second) return true;
  return !row.displaced && config().idle_after_ms == 0 && !config().mid_stream;
}

std::string KeyedLedger::CheckWindow(const Account& account,
                                     const KeyedExpectation::Rows& rows) const {
  Total sure;
  std::vector<int64_t> maybe;
  for (const KeyedInput::Record& row : rows) {
    if (late_.count({row.split, row.index}) > 0) continue;
    if (IsSure(account, row)) {
      sure.Add(1, row.value);
    } else {
      maybe.push_back(row.value);
    }
  }
  const auto fired = fired_.find(account);
  const Total counted = fired == fired_.end() ? Total() : fired->second;
  const int64_t more = counted.count - sure.count;
  const bool fits = more >= 0 && more <= static_cast<int64_t>(maybe.size());
  const int64_t sum = counted.sum - sure.sum;
  if (fits && (maybe.size() > kTriedRows ? sum >= 0 : ComesTo(maybe, 0, more, sum))) return "";
  const Total late = LateOf(rows);
  return absl::StrCat("key ", account.first, " at ", account.second, ": ", rows.size(),
                      " rows of the input, of which ", late.count, " were late and ", maybe.size(),
                      " may have been; ", counted.count, " were counted, sum ", counted.sum,
                      "; for certain ", sure.count, ", sum ", sure.sum);
}

}  // namespace weir::sim
