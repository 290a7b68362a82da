#include "client/output/output_format.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include <nlohmann/json.hpp>

namespace weir::cli {
namespace {

using Json = nlohmann::ordered_json;

// A beginning and characters that mean nothing to YAML, whatever follows; and none of the words
// that are booleans or null to readers of YAML 1.1.
bool IsPlain(const std::string& text) {
  static constexpr const char* kWords[] = {"true", "false", "yes", "no", "on",
                                           "off",  "null",  "y",   "n"};
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  if (!absl::ascii_isalpha(first) && first != '/' && first != '_') return false;
  const bool harmless = std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.' || c == '/';
  });
  return harmless &&
         std::count(std::begin(kWords), std::end(kWords), absl::AsciiStrToLower(text)) == 0;
}

std::string Scalar(const Json& json) {
  if (json.is_string() && IsPlain(json.get_ref<const std::string&>())) return json;
  return json.dump();  // JSON's strings and numbers are YAML's
}

// Appends the lines of `json`; the first one stands where `text` ends.
void Append(const Json& json, const std::string& indent, std::string* text) {
  std::string before;  // of the first entry: nothing
  for (const auto& [key, value] : json.items()) {
    const bool item = json.is_array();
    const std::string inner = absl::StrCat(indent, "  ");
    absl::StrAppend(text, before, item ? "-" : absl::StrCat(Scalar(Json(key)), ":"));
    before = indent;
    if (!value.is_structured() || value.empty()) {
      absl::StrAppend(text, " ", Scalar(value), "\n");
      continue;
    }
    absl::StrAppend(text, item ? " " : absl::StrCat("\n", inner));
    Append(value, inner, text);
  }
}

}  // namespace

absl::StatusOr<OutputFormat> ParseOutputFormat(const std::string& text) {
  if (text == "table") return OutputFormat::kTable;
  if (text == "wide") return OutputFormat::kWide;
  if (text == "json") return OutputFormat::kJson;
  if (text == "yaml") return OutputFormat::kYaml;
  if (text == "name") return OutputFormat::kName;
  return absl::InvalidArgumentError(
      absl::StrCat("--output is '", text, "'; table, wide, json, yaml or name is expected"));
}

std::string JsonAsYaml(const std::string& json) {
  const Json document = Json::parse(json, nullptr, false);
  if (!document.is_structured() || document.empty()) return absl::StrCat(Scalar(document), "\n");
  std::string text;
  Append(document, "", &text);
  return text;
}

}  // namespace weir::cli
