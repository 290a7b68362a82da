#pragma once

#include <vector>

#include "client/templates/job_template.h"

namespace weir::cli {

/// What `weir completion` prints, from client/templates/completion: "weir.bash" and the like.
const std::vector<TemplateFile>& CompletionScripts();

}  // namespace weir::cli
