#include "client/cli/cli_process.h"

#include <unistd.h>

#include <csignal>
#include <iostream>
#include <map>
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
  CliEnvironment environment{
      std::move(variables), MakeClusterClient, random, clock, Pause, std::cout, std::cerr};
  return RunCli(arguments, environment);
}

}  // namespace weir::cli
