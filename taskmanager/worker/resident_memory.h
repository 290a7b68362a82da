#pragma once

#include <cstdint>

namespace weir::taskmanager {

/// Bytes of this process in memory now (VmRSS); 0 when that cannot be read. Any thread.
uint64_t ResidentBytes();

}  // namespace weir::taskmanager
