#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "tests/unit/api/weir/operator_fleet.h"
#include "tests/unit/api/weir/testing_windows.h"

namespace weir {

inline uint32_t SubtaskOf(const std::string& user, uint32_t parallelism) {
  const uint32_t group = KeyGroupOf(EncodeKey(user), kDefaultMaxParallelism);
  return DefaultKeyGroupTable({parallelism, kDefaultMaxParallelism})[group];
}

/// All subtasks of the operator "clicks".
class WindowFleet : public OperatorFleet<Click, Clicks> {
 public:
  /// Of `options` all but subtask and parallelism.
  WindowFleet(ClicksHarness::Pipeline pipeline, uint32_t parallelism,
              testing::HarnessOptions options)
      : OperatorFleet("clicks", std::move(pipeline), parallelism, std::move(options)) {}

  /// Sorted; with the error, if there is one.
  std::vector<std::string> TakeTexts() {
    std::vector<std::string> texts;
    for (const auto& output : TakeOutputs()) texts.push_back(TimedTextOf(output));
    if (error() != "") texts.push_back(error());
    std::sort(texts.begin(), texts.end());
    return texts;
  }
  uint64_t late() const { return Books().late; }
};

}  // namespace weir
