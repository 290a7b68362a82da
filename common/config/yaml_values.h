#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

/// A value of a YAML file of options.
struct YamlValue {
  std::string key;     // "rpc.address", nested or dotted in the file
  std::string text;    // a sequence's items are joined by commas
  std::string source;  // "weir.yaml:12"
};

/// The values of nested maps, in the order of the text; a key may come twice. INVALID_ARGUMENT: one
/// sentence that begins with file and line.
absl::StatusOr<std::vector<YamlValue>> ParseYaml(const std::string& text, absl::string_view file);

}  // namespace weir
