#pragma once

#include <gtest/gtest.h>

#include <string>

#include "weir/testing/operator_harness_core.h"

namespace weir {

/// A suite of harnesses whose keyed state lies in memory, and once more in RocksDB, behind so
/// little memory that much of it is read from files: both say the same.
class OnEachBackend : public ::testing::TestWithParam<testing::StateBackend> {
 protected:
  static bool rocks() { return GetParam() == testing::StateBackend::kRocksDb; }
  static testing::HarnessOptions Options(testing::HarnessOptions options = {}) {
    options.backend = GetParam();
    return options;
  }
};

#define WEIR_INSTANTIATE_ON_EACH_BACKEND(Suite)                                            \
  INSTANTIATE_TEST_SUITE_P(                                                                \
      , Suite,                                                                             \
      ::testing::Values(testing::StateBackend::kHashMap, testing::StateBackend::kRocksDb), \
      [](const ::testing::TestParamInfo<testing::StateBackend>& backend) {                 \
        const bool rocks = backend.param == testing::StateBackend::kRocksDb;               \
        return std::string(rocks ? "RocksDb" : "HashMap");                                 \
      })

/// Declares a suite without a fixture of its own; its tests are TEST_P.
#define WEIR_ON_EACH_BACKEND(Suite)      \
  class Suite : public OnEachBackend {}; \
  WEIR_INSTANTIATE_ON_EACH_BACKEND(Suite)

}  // namespace weir
