#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

/// Takes what counted_copy writes for the numbers of a RecordFeeder and says what is wrong: every
/// number once, those of a key in order, and each with its place in that order as its count, which
/// is what the job's state says. Pure.
class CountedOracle {
 public:
  /// `where` names the record in what problem() says.
  void Take(absl::string_view key, absl::string_view value, absl::string_view where);

  /// All numbers below it have been taken.
  int64_t complete_below() const;
  int64_t taken() const { return taken_; }
  /// Numbers that were passed over by a later one of their key.
  int64_t lost() const { return lost_; }
  /// Numbers that came again.
  int64_t duplicated() const { return duplicated_; }
  /// Records that are none of ours, under a wrong key, or with a wrong count.
  int64_t wrong() const { return wrong_; }
  /// The first thing that is wrong; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  void Complain(absl::string_view what, absl::string_view value, absl::string_view where);

  std::map<int64_t, int64_t> next_of_key_;  // place in the order of the key, from 0
  int64_t taken_ = 0;
  int64_t lost_ = 0;
  int64_t duplicated_ = 0;
  int64_t wrong_ = 0;
  std::string problem_;
};

}  // namespace weir
