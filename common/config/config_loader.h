#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/config/config.h"
#include "common/config/option_table.h"

namespace weir {

/// Collects option values from their sources. Whatever the order of the calls, a flag wins over
/// the environment, and the environment over files. One thread; no reference is kept but `table`.
///
/// Errors are INVALID_ARGUMENT (NOT_FOUND for a missing file), one sentence that says where the
/// option stands; after one the loader is of no more use.
class ConfigLoader {
 public:
  explicit ConfigLoader(const OptionTable& table = WeirOptions()) : table_(table) {}

  /// YAML with nested ("rpc: {address: ...}") or dotted keys. A later file wins over an earlier.
  absl::Status AddYamlFile(const std::string& path);
  absl::Status AddYaml(const std::string& text, absl::string_view source);

  /// Variables named WEIR_<KEY>. Other WEIR_ variables are errors, apart from WEIR_CONFIG, those
  /// of tests and build (WEIR_TEST_*, WEIR_SOURCE_DIR, WEIR_BINARY_DIR), and those Kubernetes makes
  /// for a service whose name begins with "weir" (WEIR_JOBMANAGER_SERVICE_HOST, ..._PORT).
  absl::Status AddEnvironment(const std::map<std::string, std::string>& variables);

  /// --key=value, --key value; for booleans also --key alone. Returns the other arguments; "--"
  /// ends the flags. argv[0] is not among them.
  absl::StatusOr<std::vector<std::string>> AddFlags(const std::vector<std::string>& arguments);

  absl::StatusOr<Config> Build() const;

 private:
  struct Value {
    std::string text;
    std::string source;  // where it stands: "weir.yaml:12"
  };
  using Values = std::map<std::string, Value>;
  absl::Status Set(Values* layer, absl::string_view key, absl::string_view value,
                   absl::string_view source);

  const OptionTable& table_;
  Values files_;
  Values environment_;
  Values flags_;
};

/// What a process was started with.
struct CommandLine {
  Config config;
  std::vector<std::string> arguments;  // those that are not options
  bool help = false;                   // --help or -h was given
};

/// For main(): flags, environment, and the YAML file named by --config or WEIR_CONFIG. The only
/// place that reads the environment. Required options are not checked yet.
absl::StatusOr<CommandLine> LoadCommandLine(int argc, const char* const* argv);

}  // namespace weir
