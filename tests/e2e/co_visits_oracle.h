#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

#include "tests/e2e/late_routes_oracle.h"

namespace weir {

/// What examples/co_visits has to say, from the flights alone: of each place once for every day on
/// which somebody goes there and elsewhere from one airport, and each time the places that are
/// visited most often so far.
///
/// Pairs of later days may have come when a day is over, as windows of other airports fire earlier:
/// so what it says has to lie between the counts of that day and those of the end. The last one is
/// known to the letter.
class CoVisitsOracle {
 public:
  /// Of a job with --top=N.
  explicit CoVisitsOracle(size_t top = 5) : top_(top) {}

  void Add(const TestFlight& flight) {
    const int64_t day = absl::ToUnixSeconds(DateOf(flight)) / 86400;
    days_[{day, NumberOf(flight.origin)}].insert(NumberOf(flight.destination));
  }
  /// Behind the last flight.
  void Count() {
    for (const auto& [of, places] : days_) {
      for (const uint32_t place : places) {
        if (places.size() < 2) continue;
        std::vector<uint32_t>& counts = places_[names_[place]][of.first];
        counts.resize(names_.size());
        for (const uint32_t other : places) counts[other] += other == place ? 0 : 1;
      }
    }
    days_.clear();
  }
  size_t places() const { return places_.size(); }
  /// Of all records together.
  size_t records() const {
    size_t records = 0;
    for (const auto& [place, days] : places_) records += days.size();
    return records;
  }

  /// The sentence that says what is wrong with what the job says of one place, in order; empty:
  /// nothing.
  std::string Check(const std::string& place, const std::vector<std::string>& texts) const {
    const auto found = places_.find(place);
    if (found == places_.end()) return absl::StrCat("nobody goes to ", place);
    const Days& days = found->second;
    if (texts.size() != days.size()) {
      return absl::StrCat(place, ": ", texts.size(), " records for ", days.size(), " days");
    }
    std::vector<uint32_t> end(names_.size());
    for (const auto& [day, counts] : days) Add(counts, &end);
    std::vector<uint32_t> so_far(names_.size());
    size_t at = 0;
    for (const auto& [day, counts] : days) {
      Add(counts, &so_far);
      const std::string& text = texts[at++];
      if (at == texts.size() && text != TopOf(end)) {
        return absl::StrCat(place, ": '", text, "' is the last word, not '", TopOf(end), "'");
      }
      if (!LiesBetween(text, so_far, end)) {
        return absl::StrCat(place, ", day ", day, ": '", text, "' is neither '", TopOf(so_far),
                            "' nor on the way to '", TopOf(end), "'");
      }
    }
    return "";
  }

 private:
  using Days = std::map<int64_t, std::vector<uint32_t>>;  // counts of others, by number

  uint32_t NumberOf(const std::string& name) {
    const auto [found, fresh] = numbers_.try_emplace(name, static_cast<uint32_t>(numbers_.size()));
    if (fresh) names_.push_back(name);
    return found->second;
  }
  static void Add(const std::vector<uint32_t>& counts, std::vector<uint32_t>* to) {
    for (size_t i = 0; i < counts.size(); ++i) (*to)[i] += counts[i];
  }
  std::string TopOf(const std::vector<uint32_t>& counts) const {
    std::vector<std::pair<int64_t, std::string>> order;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0) order.emplace_back(-static_cast<int64_t>(counts[i]), names_[i]);
    }
    std::sort(order.begin(), order.end());
    order.resize(std::min(order.size(), top_));
    std::string text;
    for (const auto& [count, name] : order) {
      absl::StrAppend(&text, text.empty() ? "" : ", ", name, " ", -count);
    }
    return text;
  }
  bool LiesBetween(const std::string& text, const std::vector<uint32_t>& low,
                   const std::vector<uint32_t>& high) const {
    size_t others = 0;
    int64_t last = INT64_MAX;
    for (const auto& one : absl::StrSplit(text, ", ")) {
      const std::pair<std::string, std::string> words = absl::StrSplit(one, ' ');
      const auto number = numbers_.find(words.first);
      int64_t count = 0;
      if (number == numbers_.end() || !absl::SimpleAtoi(words.second, &count)) return false;
      if (count < low[number->second] || count > high[number->second] || count > last) return false;
      last = count;
      ++others;
    }
    const auto known = std::count_if(low.begin(), low.end(), [](uint32_t n) { return n > 0; });
    return others >= std::min<size_t>(top_, static_cast<size_t>(known)) && others <= top_;
  }

  const size_t top_;
  std::map<std::string, uint32_t> numbers_;
  std::vector<std::string> names_;
  std::map<std::pair<int64_t, uint32_t>, std::set<uint32_t>> days_;  // where one goes from there
  std::map<std::string, Days> places_;
};

}  // namespace weir
