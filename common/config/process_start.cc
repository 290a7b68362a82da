#include "common/config/process_start.h"

#include <cstdio>
#include <string>

#include "common/base/log.h"
#include "common/base/version.h"
#include "common/config/config_loader.h"
#include "common/config/options.h"

namespace weir {
namespace {

absl::Status OpenLog(const char* program, const Config& config) {
  LogOptions log;
  absl::StatusOr<LogLevel> level = ParseLogLevel(config.Get(options::kLogLevel));
  absl::StatusOr<LogFormat> format = ParseLogFormat(config.Get(options::kLogFormat));
  if (!level.ok()) return level.status();
  if (!format.ok()) return format.status();
  log.level = *level;
  log.format = *format;
  log.process_name = program;
  log.file = config.Get(options::kLogFile);
  log.max_file_bytes = config.Get(options::kLogMaxFileSize).bytes;
  log.max_files = static_cast<size_t>(config.Get(options::kLogMaxFiles));
  return InitLogging(log);
}

}  // namespace

int ExitCodeFor(const char* program, const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s: %s\n", program, std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

absl::Status CheckStorageRoot(const Config& config) {
  const std::string root = config.Get(options::kStorageRoot);
  if (!root.empty() && root.front() == '/') return absl::OkStatus();
  return absl::InvalidArgumentError("storage.root is '" + root +
                                    "'; an absolute path is expected, the same for every process");
}

ProcessStart StartProcess(const char* program, int argc, const char* const* argv) {
  ProcessStart start;
  if (argc == 2 && std::string(argv[1]) == "--version") {
    std::printf("%s %s\n", program, kVersion);
    start.exit_code = 0;
    return start;
  }
  absl::StatusOr<CommandLine> line = LoadCommandLine(argc, argv);
  absl::Status status = line.status();
  if (status.ok() && line->help) {
    std::printf("Usage: %s [--option=value ...]\n\n%s", program,
                OptionsHelp(WeirOptions()).c_str());
    start.exit_code = 0;
    return start;
  }
  if (status.ok() && !line->arguments.empty()) {
    status =
        absl::InvalidArgumentError("unexpected argument '" + line->arguments[0] + "'; see --help");
  }
  if (status.ok()) status = line->config.CheckRequired();
  if (status.ok()) status = OpenLog(program, line->config);
  if (!status.ok()) {
    start.exit_code = ExitCodeFor(program, absl::InvalidArgumentError(status.message()));
    return start;
  }
  start.config = line->config;
  return start;
}

}  // namespace weir
