#pragma once

#include "absl/strings/string_view.h"

namespace weir::kafka {

/// Markers and owner records are words with one blank between them. Cuts the next word off; false
/// without a blank behind it, or for an empty word.
inline bool TakeWord(absl::string_view& rest, absl::string_view* word) {
  const size_t blank = rest.find(' ');
  if (blank == absl::string_view::npos || blank == 0) return false;
  *word = rest.substr(0, blank);
  rest = rest.substr(blank + 1);
  return true;
}

}  // namespace weir::kafka
