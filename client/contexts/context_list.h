#pragma once

#include <string>

#include "client/contexts/context_file.h"
#include "client/output/output_format.h"

namespace weir::cli {

/// The answer to `weir config list-contexts`, to be printed as client/output/output.h says; names
/// are the contexts' own, as of kubectl.
struct ContextList {
  ContextFile file;
};
std::string AsJson(const ContextList& list);
std::string AsTable(const ContextList& list, const OutputStyle& style);
std::string AsNames(const ContextList& list);

}  // namespace weir::cli
