#include "state/checkpoint/checked_file.h"

#include <cstdint>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "common/base/sha256.h"

namespace weir {

std::string FrameChecked(absl::string_view payload) {
  return absl::StrCat("WEIR1 ", Sha256Hex(payload), " ", payload.size(), "\n", payload);
}

absl::StatusOr<std::string> UnframeChecked(absl::string_view contents, absl::string_view path) {
  const size_t end = contents.find('\n');
  if (end == absl::string_view::npos) {
    return absl::DataLossError(absl::StrCat(path, " is corrupt: it has no header line"));
  }
  const std::vector<std::string> parts = absl::StrSplit(contents.substr(0, end), ' ');
  const absl::string_view payload = contents.substr(end + 1);
  uint64_t size = 0;
  if (parts.size() != 3 || parts[0] != "WEIR1" || !absl::SimpleAtoi(parts[2], &size)) {
    return absl::DataLossError(absl::StrCat(path, " is corrupt: its header line is unknown"));
  }
  if (payload.size() != size) {
    return absl::DataLossError(absl::StrCat(path, " is corrupt: it holds ", payload.size(),
                                            " bytes where ", size, " were written"));
  }
  if (Sha256Hex(payload) != parts[1]) {
    return absl::DataLossError(absl::StrCat(path, " is corrupt: its checksum does not fit"));
  }
  return std::string(payload);
}

}  // namespace weir
