#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace weir::cli {

/// What --output names.
enum class OutputFormat { kTable, kWide, kJson, kYaml, kName };

/// How an answer is printed.
struct OutputStyle {
  OutputFormat format = OutputFormat::kTable;
  bool colours = false;  // of states, in tables
};

/// "table|wide|json|yaml|name", for --help and for completion.
inline constexpr char kOutputFormats[] = "table|wide|json|yaml|name";

/// INVALID_ARGUMENT, one sentence, for any other text.
absl::StatusOr<OutputFormat> ParseOutputFormat(const std::string& text);

/// The same document as block YAML; `json` is valid JSON. Strings that YAML would read as something
/// else are quoted, so that every reader gets the strings and numbers of the JSON.
std::string JsonAsYaml(const std::string& json);

}  // namespace weir::cli
