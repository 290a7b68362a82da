#pragma once

#include <chrono>

namespace weir {

/// How long what was put into a state is good for: per value, per element of a list, per entry of a
/// map. Measured on the machine's clock (processing time), as in Flink. What has expired is never
/// returned, and is removed when it is met, by the clean-up in the background, and by snapshots.
struct StateTtl {
  enum class Update {
    kOnCreateAndWrite,
    kOnReadAndWrite,  // whoever reads a value, an element or an entry makes it live on
  };

  std::chrono::microseconds duration{0};  // 0: for ever
  Update update = Update::kOnCreateAndWrite;
};

}  // namespace weir
