#pragma once

namespace weir {

/// What a person has decided about transactions that an owned epoch needs and that cannot be
/// committed for certain (`weir resume`). It holds for the epochs that were uncommitted then.
enum class ResumePolicy {
  kAsConfigured,  // nothing was decided
  kReplay,        // publish what can still be read of them: at least once
  kIgnore,        // leave out those that cannot be published exactly once: at most once
};

}  // namespace weir
