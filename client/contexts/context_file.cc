#include "client/contexts/context_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "client/contexts/xdg_directories.h"
#include "client/output/output_format.h"
#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "common/config/bind_address.h"
#include "common/config/options.h"
#include "common/config/yaml_values.h"
#include <nlohmann/json.hpp>

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr char kCurrent[] = "current-context";
constexpr char kContexts[] = "contexts";

absl::Status ErrorAt(const std::string& source, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(source, ": ", message));
}

// One value below "contexts".
absl::Status AddContextValue(const YamlValue& value, ContextFile* file) {
  const std::string rest = value.key.substr(std::string(kContexts).size() + 1);
  const size_t dot = rest.find('.');
  const std::string name = rest.substr(0, dot);
  WEIR_RETURN_IF_ERROR(Annotate(CheckContextName(name), value.source));
  if (dot == std::string::npos) {
    return ErrorAt(value.source, absl::StrCat("context '", name, "' holds no options"));
  }
  const std::string key = rest.substr(dot + 1);
  WEIR_RETURN_IF_ERROR(Annotate(CheckContextOption(key, value.text), value.source));
  std::string text = value.text;
  if (absl::EndsWith(key, "-file") && !text.empty()) {
    text = (fs::path(file->path).parent_path() / text).lexically_normal().string();
  }
  if (!file->contexts[name].emplace(key, std::move(text)).second) {
    return ErrorAt(value.source, absl::StrCat("option '", key, "' is given twice"));
  }
  return absl::OkStatus();
}

absl::Status AddValue(const YamlValue& value, ContextFile* file) {
  if (absl::StartsWith(value.key, absl::StrCat(kContexts, "."))) {
    return AddContextValue(value, file);
  }
  if (value.key != kCurrent) {
    return ErrorAt(value.source,
                   absl::StrCat("unknown key '", value.key, "'; ", kCurrent, " and ", kContexts,
                                " are expected", DidYouMean(value.key, {kCurrent, kContexts})));
  }
  if (!file->current.empty()) {
    return ErrorAt(value.source, absl::StrCat("'", kCurrent, "' is given twice"));
  }
  file->current = value.text;
  return Annotate(CheckContextName(value.text), value.source);
}

nlohmann::ordered_json Document(const ContextFile& file) {
  nlohmann::ordered_json document = nlohmann::ordered_json::object();
  if (!file.current.empty()) document[kCurrent] = file.current;
  for (const auto& [name, context] : file.contexts) {
    nlohmann::ordered_json& options = document[kContexts][name];
    for (const auto& [key, value] : context) {
      if (key == options::kJobmanagerAddresses.key()) {
        options[key] = ParseList(value);
      } else {
        options[key] = value;
      }
    }
  }
  return document;
}

}  // namespace

std::vector<OptionSpec> ContextOptions() {
  return {options::kJobmanagerAddresses.spec(), options::kSecurityTokenFile.spec(),
          options::kSecurityTlsCaFile.spec(), options::kSecurityTlsCertificateFile.spec(),
          options::kSecurityTlsKeyFile.spec()};
}

absl::Status CheckContextName(const std::string& name) {
  const bool legal = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '-' || c == '_';
  });
  if (legal) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a context cannot be named '", name,
                                                 "': letters, digits, - and _ are expected"));
}

absl::Status CheckContextOption(const std::string& key, const std::string& value) {
  std::vector<std::string> keys;
  for (const OptionSpec& option : ContextOptions()) {
    keys.emplace_back(option.key);
    if (option.key != key) continue;
    WEIR_RETURN_IF_ERROR(CheckOptionValue(option, value));
    if (key != options::kJobmanagerAddresses.key()) return absl::OkStatus();
    for (const std::string& address : ParseList(value)) {
      WEIR_RETURN_IF_ERROR(CheckHostPort(key, address, 1));
    }
    if (!ParseList(value).empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(key, " names no address"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a context has no option '", key, "'", DidYouMean(key, keys)));
}

absl::StatusOr<std::string> ContextFilePath(const std::map<std::string, std::string>& variables) {
  WEIR_ASSIGN_OR_RETURN(const std::string directory, ConfigDirectory(variables));
  return absl::StrCat(directory, "/config.yaml");
}

absl::StatusOr<ContextFile> ReadContextFile(const std::string& path) {
  ContextFile file;
  file.path = path;
  std::error_code error;
  if (!fs::exists(path, error)) return file;
  std::ifstream stream(path);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream.is_open() || stream.bad() || fs::is_directory(path, error)) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read '", path, "'"));
  }
  WEIR_ASSIGN_OR_RETURN(const std::vector<YamlValue> values, ParseYaml(text, path));
  std::map<std::string, std::string> sources;  // of contexts
  for (const YamlValue& value : values) {
    const size_t contexts = file.contexts.size();
    WEIR_RETURN_IF_ERROR(AddValue(value, &file));
    if (file.contexts.size() == contexts) continue;
    for (const auto& [name, context] : file.contexts) sources.emplace(name, value.source);
  }
  for (const auto& [name, context] : file.contexts) {
    if (context.count(std::string(options::kJobmanagerAddresses.key())) > 0) continue;
    return ErrorAt(sources[name], absl::StrCat("context '", name, "' has no ",
                                               options::kJobmanagerAddresses.key()));
  }
  return file;
}

absl::StatusOr<ContextFile> ReadContextFileOf(const std::map<std::string, std::string>& variables) {
  WEIR_ASSIGN_OR_RETURN(const std::string path, ContextFilePath(variables));
  return ReadContextFile(path);
}

absl::StatusOr<Context> FindContext(const ContextFile& file, const std::string& name) {
  const auto found = file.contexts.find(name);
  if (found != file.contexts.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, context] : file.contexts) names.push_back(known);
  return absl::NotFoundError(
      absl::StrCat("there is no context '", name, "' in ", file.path, DidYouMean(name, names)));
}

std::string ContextFileAsYaml(const ContextFile& file) {
  return cli::JsonAsYaml(ContextFileAsJson(file));
}

std::string ContextFileAsJson(const ContextFile& file) {
  return Document(file).dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

absl::Status WriteContextFile(const ContextFile& file) {
  std::error_code error;
  // People keep such files elsewhere and link them: the link stays.
  const fs::path path = fs::weakly_canonical(file.path, error);
  if (!error) fs::create_directories(path.parent_path(), error);
  if (error) {
    return absl::UnknownError(
        absl::StrCat("cannot make the directory of '", file.path, "': ", error.message()));
  }
  const fs::path written = path.string() + ".new";
  std::ofstream stream(written, std::ios::binary);
  stream << ContextFileAsYaml(file);
  stream.close();
  if (stream) fs::rename(written, path, error);
  if (!stream || error) return absl::UnknownError(absl::StrCat("cannot write '", file.path, "'"));
  return absl::OkStatus();
}

}  // namespace weir
