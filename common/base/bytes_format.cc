#include "common/base/bytes_format.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

constexpr absl::string_view kUnits = "bkmgt";

}  // namespace

std::string FormatBytes(uint64_t bytes) {
  if (bytes < 1024) return absl::StrCat(bytes, " B");
  constexpr absl::string_view kLetters = "KMGTPE";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kLetters.size(); ++unit) value /= 1024;
  return absl::StrFormat("%.1f %ciB", value, kLetters[unit]);
}

std::string FormatByteSize(uint64_t bytes) {
  size_t unit = 0;
  for (; bytes != 0 && bytes % 1024 == 0 && unit + 1 < kUnits.size(); ++unit) bytes /= 1024;
  return absl::StrCat(bytes, kUnits.substr(unit, 1), unit == 0 ? "" : "b");
}

absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text) {
  const std::string lower = absl::AsciiStrToLower(absl::StripAsciiWhitespace(text));
  const size_t digits = std::min(lower.find_first_not_of("0123456789"), lower.size());
  const absl::string_view suffix =
      absl::StripAsciiWhitespace(absl::string_view(lower).substr(digits));
  uint64_t number = 0;
  bool valid = absl::SimpleAtoi(lower.substr(0, digits), &number);
  size_t unit = 0;
  if (valid && !suffix.empty()) {
    unit = kUnits.find(suffix[0]);
    const absl::string_view rest = suffix.substr(1);
    valid = unit != absl::string_view::npos &&
            (rest.empty() || (unit > 0 && (rest == "b" || rest == "ib")));
  }
  if (!valid) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a number of bytes, such as 512, 4kb, 64mb or 1gb"));
  }
  if (number > (std::numeric_limits<uint64_t>::max() >> (10 * unit))) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is too large"));
  }
  return number << (10 * unit);
}

}  // namespace weir
