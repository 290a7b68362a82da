#pragma once

#include <string>
#include <vector>

#include "client/cli/verb.h"

namespace weir::cli {

/// The hidden verb behind the scripts of `weir completion`: `weir __complete -- WORD... CURRENT`,
/// with CURRENT, the word to complete, perhaps empty.
inline constexpr char kCompleteVerb[] = "__complete";

/// Prints what may stand for the last of `arguments`: a line "text" or "text<TAB>description" each,
/// and ":files" when files may stand there. A cluster is asked for the names of its jobs, for a
/// second at most. It never fails: what is not known is not offered.
void PrintCompletions(const std::vector<Verb>& verbs, std::vector<std::string> arguments,
                      CliEnvironment& environment);

}  // namespace weir::cli
