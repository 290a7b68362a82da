#include "tests/chaos/copy_oracle.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

namespace weir {

std::string NumberedKey(int64_t id) { return absl::StrCat("k", id % kNumberedKeys); }

std::string NumberedJson(int64_t id) {
  return absl::StrCat("{\"id\":", id, ",\"key\":\"", NumberedKey(id), "\"}");
}

std::optional<int64_t> ParseNumbered(absl::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object() || json.size() != 2 || !json.contains("id") || !json.contains("key") ||
      !json["id"].is_number_integer() || !json["key"].is_string()) {
    return std::nullopt;
  }
  const int64_t id = json["id"].get<int64_t>();
  if (id < 0 || json["key"].get<std::string>() != NumberedKey(id)) return std::nullopt;
  return id;
}

void CopyOracle::Take(absl::string_view key, absl::string_view value, absl::string_view where) {
  ++taken_;
  const std::optional<int64_t> id = ParseNumbered(value);
  if (!id.has_value() || key != NumberedKey(*id)) {
    ++wrong_;
    return Complain(absl::StrCat("wrong record ", value, " under key ", key, " at ", where));
  }
  int64_t& taken = taken_of_key_[static_cast<size_t>(*id % kNumberedKeys)];
  const int64_t number = *id / kNumberedKeys;  // within its key
  const int64_t next = taken * kNumberedKeys + *id % kNumberedKeys;
  if (number < taken) {
    ++repeated_;
    return Complain(absl::StrCat("id ", *id, " comes again, or late, at ", where,
                                 ": the next one of its key is ", next));
  }
  if (number > taken) {
    missing_ += number - taken;
    Complain(absl::StrCat("id ", next, " and ", number - taken - 1,
                          " more of its key are missing before id ", *id, " at ", where));
  }
  taken = number + 1;
}

int64_t CopyOracle::complete_below() const {
  int64_t below = taken_of_key_[0] * kNumberedKeys;
  for (int64_t key = 1; key < kNumberedKeys; ++key) {
    below = std::min(below, taken_of_key_[static_cast<size_t>(key)] * kNumberedKeys + key);
  }
  return below;
}

void CopyOracle::Complain(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

}  // namespace weir
