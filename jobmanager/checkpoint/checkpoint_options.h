#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace weir::jobmanager {

/// What becomes of the checkpoints of a job that has ended; as Flink's
/// ExternalizedCheckpointRetention. Those of a FINISHED job are deleted.
enum class CheckpointRetention {
  kDeleteOnCancellation,
  kRetainOnCancellation,
  kNever,  // those of a FAILED one are deleted, too
};

/// The options checkpoint.* of one job.
struct CheckpointOptions {
  absl::Duration interval = absl::Seconds(10);
  absl::Duration timeout = absl::Minutes(10);
  absl::Duration min_pause = absl::ZeroDuration();
  uint64_t retained = 3;
  CheckpointRetention retention = CheckpointRetention::kDeleteOnCancellation;
  uint64_t inline_state_max_bytes = 4096;
  uint64_t manifest_inline_max_bytes = 64 * 1024;
  std::optional<uint64_t> tolerable_failures;  // in a row; absent: no limit
};

}  // namespace weir::jobmanager
