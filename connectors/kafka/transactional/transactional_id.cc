#include "connectors/kafka/transactional/transactional_id.h"

#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weir::kafka {
namespace {

constexpr char kSeparator = '~';

// Cuts the last "~number" off. False for anything but that.
bool TakeNumber(absl::string_view& text, uint64_t max, uint64_t* number) {
  const size_t separator = text.rfind(kSeparator);
  if (separator == absl::string_view::npos) return false;
  const absl::string_view digits = text.substr(separator + 1);
  uint64_t value = 0;
  // The round trip refuses signs, blanks and leading zeros.
  if (!absl::SimpleAtoi(digits, &value) || value > max || absl::StrCat(value) != digits) {
    return false;
  }
  text = text.substr(0, separator);
  *number = value;
  return true;
}

}  // namespace

std::string TransactionalId::ToString() const {
  return absl::StrCat(prefix, "~", fence, "~", subtask, "~", slot);
}

std::optional<TransactionalId> TransactionalId::Parse(const std::string& id,
                                                      const std::string& prefix) {
  absl::string_view rest = id;
  uint64_t slot = 0;
  uint64_t subtask = 0;
  TransactionalId parsed;
  constexpr uint64_t kMax32 = std::numeric_limits<uint32_t>::max();
  if (!TakeNumber(rest, kMax32, &slot) || !TakeNumber(rest, kMax32, &subtask) ||
      !TakeNumber(rest, std::numeric_limits<uint64_t>::max(), &parsed.fence) || rest != prefix) {
    return std::nullopt;
  }
  parsed.prefix = prefix;
  parsed.subtask = static_cast<uint32_t>(subtask);
  parsed.slot = static_cast<uint32_t>(slot);
  return parsed;
}

std::string OwnerId(const std::string& prefix) { return prefix + "~owner"; }

std::string ReplayId(const std::string& prefix) { return prefix + "~replay"; }

}  // namespace weir::kafka
