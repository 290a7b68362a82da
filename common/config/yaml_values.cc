#include "common/config/yaml_values.h"

#include <yaml-cpp/yaml.h>

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

absl::Status ErrorAt(absl::string_view source, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", message));
}

// A sequence as the text of a list option.
absl::StatusOr<std::string> ListText(const YAML::Node& node, absl::string_view source,
                                     absl::string_view key) {
  std::string text;
  for (const YAML::Node& item : node) {
    if (!item.IsScalar()) {
      return ErrorAt(source, absl::StrCat("option '", key, "' has an item that is not a text"));
    }
    if (absl::StrContains(item.Scalar(), ",")) {
      return ErrorAt(source, absl::StrCat("option '", key, "' has an item with a comma"));
    }
    absl::StrAppend(&text, text.empty() ? "" : ",", item.Scalar());
  }
  return text;
}

absl::Status Flatten(const YAML::Node& node, const std::string& key, absl::string_view file,
                     std::vector<YamlValue>* values) {
  const std::string source = absl::StrCat(file, ":", node.Mark().line + 1);
  if (node.IsMap()) {
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) return ErrorAt(source, "a key is not a text");
      const std::string child = absl::StrCat(key, key.empty() ? "" : ".", entry.first.Scalar());
      if (entry.second.IsNull()) {  // its own mark is that of the next token
        return ErrorAt(absl::StrCat(file, ":", entry.first.Mark().line + 1),
                       absl::StrCat("option '", child, "' has no value"));
      }
      WEIR_RETURN_IF_ERROR(Flatten(entry.second, child, file, values));
    }
    return absl::OkStatus();
  }
  if (key.empty()) {
    if (!node.IsDefined() || node.IsNull()) return absl::OkStatus();  // an empty file
    return ErrorAt(source, "expected options as 'key: value'");
  }
  if (node.IsSequence()) {
    WEIR_ASSIGN_OR_RETURN(std::string text, ListText(node, source, key));
    values->push_back({key, std::move(text), source});
    return absl::OkStatus();
  }
  values->push_back({key, node.Scalar(), source});
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<YamlValue>> ParseYaml(const std::string& text, absl::string_view file) {
  std::vector<YamlValue> values;
  try {
    const absl::Status status = Flatten(YAML::Load(text), "", file, &values);
    if (!status.ok()) return status;
  } catch (const YAML::Exception& error) {
    return ErrorAt(absl::StrCat(file, ":", error.mark.line + 1),
                   absl::StrCat("not valid YAML: ", error.msg));
  }
  return values;
}

}  // namespace weir
