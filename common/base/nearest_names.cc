#include "common/base/nearest_names.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace weir {
namespace {

constexpr size_t kMaxSuggestions = 3;

// Edits (insert, delete, replace, swap of neighbours) that turn one text into the other.
size_t EditDistance(absl::string_view a, absl::string_view b) {
  std::vector<size_t> before_previous(b.size() + 1);
  std::vector<size_t> previous(b.size() + 1);
  std::vector<size_t> current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_previous[j - 2] + 1);
      }
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string Normalized(absl::string_view name) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

bool IsWholePart(absl::string_view part, absl::string_view whole) {
  const std::string dotted = absl::StrCat(".", absl::StrReplaceAll(whole, {{"-", "."}}), ".");
  const std::string wanted = absl::StrCat(".", absl::StrReplaceAll(part, {{"-", "."}}), ".");
  return absl::StrContains(dotted, wanted);
}

}  // namespace

std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& candidates) {
  const std::string wanted = Normalized(name);
  if (wanted.empty()) return {};
  const size_t tolerated = std::max<size_t>(wanted.size() / 3, 1);
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& candidate : candidates) {
    const std::string normalized = Normalized(candidate);
    const size_t distance = EditDistance(wanted, normalized);
    if (distance <= tolerated) {
      ranked.emplace_back(distance, candidate);
    } else if (IsWholePart(wanted, normalized)) {
      ranked.emplace_back(tolerated + 1, candidate);
    }
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> names;
  for (auto& [distance, candidate] : ranked) {
    // A near miss makes the far ones noise.
    if (names.size() == kMaxSuggestions || distance > ranked.front().first + 1) break;
    names.push_back(std::move(candidate));
  }
  return names;
}

std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates) {
  const std::vector<std::string> names = NearestNames(name, candidates);
  if (names.empty()) return "";
  std::string text = "; did you mean ";
  for (size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    absl::StrAppend(&text, "'", names[i], "'");
  }
  return text + "?";
}

}  // namespace weir
