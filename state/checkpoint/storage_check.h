#pragma once

#include <string>

#include "absl/status/status.h"

#include "common/base/random.h"
#include "common/io/file_system.h"

namespace weir {

/// Makes `directory` and races create-if-absent in it: exactly one of several writers may win, and
/// what it wrote must be read back. Blocks; run once at start, before anything trusts the storage.
/// FAILED_PRECONDITION, naming the directory, when it cannot be written or the store ignores
/// "if absent" (docs/protocols/logs.md).
absl::Status CheckStorage(FileSystem& files, const std::string& directory, Random& random);

}  // namespace weir
