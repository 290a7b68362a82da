#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

/// Up to three of `candidates` that a person may have meant by `name`, the likeliest first: few
/// typing errors away (optimal string alignment distance, case ignored), or `name` is a whole part
/// of them between dots and dashes.
std::vector<std::string> NearestNames(absl::string_view name,
                                      const std::vector<std::string>& candidates);

/// "; did you mean 'y' or 'z'?", or "" when nothing is near. To be appended to an error message.
std::string DidYouMean(absl::string_view name, const std::vector<std::string>& candidates);

}  // namespace weir
