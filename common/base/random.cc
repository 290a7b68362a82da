#include "common/base/random.h"

#include "absl/strings/str_cat.h"

namespace weir {

std::string Random::HexId(absl::string_view prefix) {
  const uint64_t high = Next();
  const uint64_t low = Next();
  return absl::StrCat(prefix, absl::Hex(high, absl::kZeroPad16), absl::Hex(low, absl::kZeroPad16));
}

}  // namespace weir
