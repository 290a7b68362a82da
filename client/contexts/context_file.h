#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/config/option.h"

namespace weir {

/// How to reach one cluster: values of options, by key. jobmanager.addresses is always there.
using Context = std::map<std::string, std::string>;

/// The clusters a user works with, and the one that is meant when nothing else is said:
///
///   current-context: production
///   contexts:
///     production:
///       jobmanager.addresses: [10.0.0.5:6123, 10.0.0.6:6123]
///       security.token-file: /etc/weir/token
struct ContextFile {
  std::string path;
  std::string current;  // empty: none
  std::map<std::string, Context> contexts;
};

/// The options a context may hold: those that a client has a use for.
std::vector<OptionSpec> ContextOptions();

/// INVALID_ARGUMENT: a context cannot be called so.
absl::Status CheckContextName(const std::string& name);

/// INVALID_ARGUMENT: not one of ContextOptions, or a value it cannot have.
absl::Status CheckContextOption(const std::string& key, const std::string& value);

/// config.yaml in ConfigDirectory (xdg_directories.h), whose errors it returns.
absl::StatusOr<std::string> ContextFilePath(const std::map<std::string, std::string>& variables);

/// A file that is not there has no contexts. Relative paths in it are relative to its directory.
/// INVALID_ARGUMENT: one sentence that begins with file and line.
absl::StatusOr<ContextFile> ReadContextFile(const std::string& path);

/// The file of ContextFilePath.
absl::StatusOr<ContextFile> ReadContextFileOf(const std::map<std::string, std::string>& variables);

/// NOT_FOUND, naming the file and the nearest names.
absl::StatusOr<Context> FindContext(const ContextFile& file, const std::string& name);

/// As the file has it.
std::string ContextFileAsYaml(const ContextFile& file);
/// The same document as JSON.
std::string ContextFileAsJson(const ContextFile& file);

/// Replaces the file, or makes it with its directory; readers see the former or the new one whole.
/// Comments are lost. UNKNOWN: what could not be written.
absl::Status WriteContextFile(const ContextFile& file);

}  // namespace weir
