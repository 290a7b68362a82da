#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

/// Records of the step campaign: ids from 0, each with the key of its remainder, so that the ids of
/// one key are known in advance.
inline constexpr int64_t kNumberedKeys = 8;
std::string NumberedKey(int64_t id);
/// {"id":7,"key":"k7"}
std::string NumberedJson(int64_t id);
/// The id of such a record; nothing for any other text.
std::optional<int64_t> ParseNumbered(absl::string_view json);

/// Takes copies as a reader sees them and says what is wrong: every id once, and those of one key
/// in order. Pure.
class CopyOracle {
 public:
  /// `where` names the record in what problem() says.
  void Take(absl::string_view key, absl::string_view value, absl::string_view where);

  /// All ids below it have been taken.
  int64_t complete_below() const;
  int64_t taken() const { return taken_; }
  /// Ids that came when a smaller one of their key had not: lost, unless they come too late.
  int64_t missing() const { return missing_; }
  /// Ids that came again or behind a larger one of their key.
  int64_t repeated() const { return repeated_; }
  /// Records that are none of ours, or under a wrong key.
  int64_t wrong() const { return wrong_; }
  /// The first thing that is wrong; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  void Complain(const std::string& problem);

  std::array<int64_t, kNumberedKeys> taken_of_key_{};  // that the next id of the key follows from
  int64_t taken_ = 0;
  int64_t missing_ = 0;
  int64_t repeated_ = 0;
  int64_t wrong_ = 0;
  std::string problem_;
};

}  // namespace weir
