#pragma once

#include "absl/strings/string_view.h"

namespace weir {

/// Why this process is about to abort, for its crash report, where the signal alone says nothing: a
/// failed check, an exception that nobody caught. The first cause counts; it is cut to 400 bytes.
///
/// Threads: any.
void SetFatalCause(absl::string_view cause);

/// "" when there is none. Async-signal-safe.
const char* FatalCause();

}  // namespace weir
