#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// For people, rounded: "0 B", "1.5 KiB", "64.0 MiB".
std::string FormatBytes(uint64_t bytes);

/// As options are written, exact: the largest of b, kb, mb, gb, tb (powers of 1024, as in Flink)
/// that divides the number: "64mb", "1536kb".
std::string FormatByteSize(uint64_t bytes);

/// The reverse: a whole number and one of b, k, kb, kib, m, mb, mib, ... tib in any case, with or
/// without a space between; no unit means bytes. INVALID_ARGUMENT otherwise or when too large.
absl::StatusOr<uint64_t> ParseByteSize(absl::string_view text);

}  // namespace weir
