#pragma once

#include <vector>

namespace weir::cli {

/// A file of the project that `weir new` makes, from client/templates/job. In the text, @NAME@
/// stands for the project's name and @VERSION@ for Weir's.
struct TemplateFile {
  const char* path;  // below the project's directory; "gitignore" becomes ".gitignore"
  const char* text;
};

/// All of them; embedded when Weir is built (cmake/embed_files.cmake).
const std::vector<TemplateFile>& JobTemplate();

}  // namespace weir::cli
