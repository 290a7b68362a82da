// Writes docs/configuration.md to stdout.
#include <iostream>

#include "common/config/option_table.h"

int main() {
  std::cout << weir::OptionsMarkdown(weir::WeirOptions());
  return std::cout.flush() ? 0 : 1;
}
