#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace weir {

/// Bytes of artifacts sent in one message.
constexpr size_t kArtifactChunkBytes = 256 * 1024;

/// The largest binary that a cluster takes.
constexpr uint64_t kMaxArtifactBytes = uint64_t{2} << 30;

/// OK when `path` is an executable made with Weir: an ELF file of at most kMaxArtifactBytes that
/// contains the marker every job binary carries. Else one sentence naming the file: NOT_FOUND (no
/// such file), INVALID_ARGUMENT (not a Weir job), PERMISSION_DENIED, UNAVAILABLE (cannot be read).
/// Blocks on the disk.
absl::Status CheckJobBinary(const std::string& path);

/// 64 lower-case hex digits: what names an artifact, and is safe as a file name.
bool IsArtifactDigest(absl::string_view digest);

}  // namespace weir
