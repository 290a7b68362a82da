#pragma once

#include "common/base/ids.h"

namespace weir {

/// The proof that an epoch is owned: a checkpoint entry for it stands in the job's log. No sink may
/// commit anything externally without one.
///
/// Only PermitAuthority makes permits, and only two places hold one: the worker endpoint, for a
/// directive of the current leader whose checkpoint entry was read back, and the recovery path, for
/// entries found in the log. Copyable, immutable.
class CommitPermit {
 public:
  /// Every epoch up to and including this one is owned.
  Epoch epoch() const { return epoch_; }
  /// The leader that says so.
  LeaderTerm term() const { return term_; }

 private:
  friend class PermitAuthority;
  CommitPermit(Epoch epoch, LeaderTerm term) : epoch_(epoch), term_(term) {}
  Epoch epoch_;
  LeaderTerm term_;
};

/// The one maker of permits; see CommitPermit for who may call it.
class PermitAuthority {
 public:
  static CommitPermit Grant(Epoch owned_epoch, LeaderTerm term) {
    return CommitPermit(owned_epoch, term);
  }
};

}  // namespace weir
