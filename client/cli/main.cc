#include <string>
#include <vector>

#include "client/cli/cli_process.h"

int main(int argc, char** argv) {
  return weir::cli::RunCliProcess(std::vector<std::string>(argv + 1, argv + argc));
}
