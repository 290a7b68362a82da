#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/exec/mutex.h"

namespace weir {

/// Stops one thread of one process at a named step, so that a test can kill whom it likes at that
/// very moment. All processes of a test share a directory:
///   order     "NUMBER STEP NTH", written by StepControl: the NTH time that a process comes to STEP
///   hit.NUMBER  "PID STEP ID", made by the one thread that stops
/// The thread goes on when the order is no longer in force.
///
/// Threads: any.
class StepStop {
 public:
  explicit StepStop(std::string directory) : directory_(std::move(directory)) {}

  /// Returns at once, or when the order that names this step has been taken back.
  void OnStep(absl::string_view step, absl::string_view id);

 private:
  bool ClaimHit(uint64_t number, absl::string_view step, absl::string_view id) const;

  const std::string directory_;
  Mutex mutex_;
  uint64_t order_ WEIR_GUARDED_BY(mutex_) = 0;  // that `times_` is about
  int times_ WEIR_GUARDED_BY(mutex_) = 0;
};

/// Who stopped where.
struct StepHit {
  pid_t pid = 0;
  std::string step;
  std::string id;  // of the transaction, or what the step is about
};

/// The test's side of StepStop. Threads: one.
class StepControl {
 public:
  explicit StepControl(std::string directory) : directory_(std::move(directory)) {}

  /// An order takes the place of the one before.
  absl::Status Order(const std::string& step, int nth);
  /// Nothing as long as nobody has stopped at the order in force.
  std::optional<StepHit> Hit() const;
  /// Takes the order back: whoever has stopped goes on.
  void Release();

 private:
  const std::string directory_;
  uint64_t number_ = 0;
};

}  // namespace weir
