#include "common/net/protocol_check.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/protocol_version.h"

namespace weir {

std::string ProtocolHeaderValue() {
  return absl::StrCat(kProtocolVersionMin, "-", kProtocolVersion);
}

absl::Status CheckProtocolVersions(uint32_t min, uint32_t max, absl::string_view who,
                                   absl::string_view self) {
  if (min <= kProtocolVersion && max >= kProtocolVersionMin) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      who, " speaks protocol versions ", min, " to ", max, ", ", self, " ", kProtocolVersionMin,
      " to ", kProtocolVersion, "; they have to be of releases that go together"));
}

absl::Status CheckProtocolHeader(absl::string_view value, absl::string_view who,
                                 absl::string_view self) {
  const std::pair<absl::string_view, absl::string_view> range = absl::StrSplit(value, '-');
  uint32_t min = 0;
  uint32_t max = 0;
  if (!absl::SimpleAtoi(range.first, &min) || !absl::SimpleAtoi(range.second, &max)) {
    return absl::OkStatus();
  }
  return CheckProtocolVersions(min, max, who, self);
}

}  // namespace weir
