#include "tests/hosts/counted_oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "tests/e2e/record_feeder.h"
#include <nlohmann/json.hpp>

namespace weir {

void CountedOracle::Take(absl::string_view key, absl::string_view value, absl::string_view where) {
  ++taken_;
  const nlohmann::json record = nlohmann::json::parse(value.begin(), value.end(), nullptr, false);
  const int64_t id = record.is_object() ? record.value("id", int64_t{-1}) : -1;
  const std::string expected_key = absl::StrCat("k", id % RecordFeeder::kKeys);
  if (id < 0 || key != expected_key || record.value("key", "") != expected_key) {
    ++wrong_;
    return Complain("is none of ours", value, where);
  }
  const int64_t place = id / RecordFeeder::kKeys;
  int64_t& next = next_of_key_[id % RecordFeeder::kKeys];
  if (place < next) {
    ++duplicated_;
    return Complain("came before", value, where);
  }
  if (place > next) {
    lost_ += place - next;
    Complain(
        absl::StrCat("comes in place of ", next * RecordFeeder::kKeys + id % RecordFeeder::kKeys),
        value, where);
  }
  next = place + 1;
  if (record.value("count", int64_t{-1}) != place + 1) {
    ++wrong_;
    Complain(absl::StrCat("should be counted ", place + 1), value, where);
  }
}

int64_t CountedOracle::complete_below() const {
  int64_t below = INT64_MAX;
  for (int64_t key = 0; key < RecordFeeder::kKeys; ++key) {
    const auto next = next_of_key_.find(key);
    const int64_t place = next == next_of_key_.end() ? 0 : next->second;
    below = std::min(below, place * RecordFeeder::kKeys + key);
  }
  return below;
}

void CountedOracle::Complain(absl::string_view what, absl::string_view value,
                             absl::string_view where) {
  if (problem_.empty()) problem_ = absl::StrCat(value, " at ", where, " ", what);
}

}  // namespace weir
