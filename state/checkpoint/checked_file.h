#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// The frame around every file Weir trusts: a first line "WEIR1 <sha256 hex> <size>\n", then the
/// payload. Pure functions.
std::string FrameChecked(absl::string_view payload);
/// DATA_LOSS, naming `path`, when the frame or the checksum does not fit.
absl::StatusOr<std::string> UnframeChecked(absl::string_view contents, absl::string_view path);

}  // namespace weir
