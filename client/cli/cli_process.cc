#include "client/cli/cli_process.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <iostream>
#include <map>
#include <system_error>
#include <utility>

#include "client/cli/cli.h"
#include "client/pause.h"
#include "common/base/system_random.h"
#include "common/time/system_clock.h"

namespace weir::cli {

int RunCliProcess(const std::vector<std::string>& arguments) {
  std::signal(SIGPIPE, SIG_IGN);
  std::map<std::string, std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) variables[text.substr(0, equals)] = text.substr(equals + 1);
  }
  SystemRandom random;
  const SystemClock clock;
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored);
  CliEnvironment environment{std::move(variables),
                             MakeClusterClient,
                             random,
                             clock,
                             Pause,
                             std::cout,
                             std::cerr,
                             isatty(STDOUT_FILENO) == 1,
                             isatty(STDERR_FILENO) == 1,
                             program.parent_path().string()};
  return RunCli(arguments, environment);
}

}  // namespace weir::cli
