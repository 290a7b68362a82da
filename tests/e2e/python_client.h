#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir {

inline std::string PythonOfTheClient() {
  const char* chosen = std::getenv("WEIR_TEST_PYTHON");
  return chosen == nullptr ? "" : chosen;
}

/// The start of a command line of examples/python_client.
inline std::vector<std::string> PythonClientCommand() {
  return {PythonOfTheClient(),
          absl::StrCat(std::getenv("WEIR_SOURCE_DIR"), "/examples/python_client/weir_client.py")};
}

/// Why that cannot be run; "" when it can.
inline std::string MissingPythonClient() {
  if (std::filesystem::exists(PythonOfTheClient())) return "";
  return "no Python with grpcio: './dev setup' makes one from PyPI";
}

inline bool IsPythonClientRequired() {
  const char* required = std::getenv("WEIR_REQUIRE_PYTHON");
  return required != nullptr && std::string(required) == "1";
}

}  // namespace weir
