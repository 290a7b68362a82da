#pragma once

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

#include "common/metrics/metrics_page.h"

namespace weir {

/// What a process uses of its machine, from Linux' /proc (man 5 proc).
struct ProcessUsage {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  double start_time_seconds = 0;  // Unix time
};

/// Units in which the kernel counts.
struct ProcessUsageUnits {
  int64_t ticks_per_second = 100;
  uint64_t page_bytes = 4096;
  double boot_time_seconds = 0;  // Unix time
};

/// Of the text of /proc/<pid>/stat: all but the descriptors. Nothing when it is no such text.
std::optional<ProcessUsage> ParseProcessStat(absl::string_view stat,
                                             const ProcessUsageUnits& units);

/// Of this process now; what cannot be read is 0. Reads some small files that never wait for a
/// disk. Any thread.
ProcessUsage ReadProcessUsage();

/// The process_* metrics.
void AddProcessUsage(const ProcessUsage& usage, MetricsPage* page);

}  // namespace weir
