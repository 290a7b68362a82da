#pragma once

#include <string>

#include "tests/sim/checkers/linear_log_checker.h"
#include "tests/sim/log_truth.h"
#include "tests/sim/sim_storage.h"

namespace weir::sim {

/// L4 and C2: every object of an owned, unretired epoch is there, unchanged; nothing is deleted
/// before a retired or aborted entry names it.
class ObjectChecker final : public StorageObserver, public JobEntryObserver {
 public:
  ObjectChecker(SimWorld& world, SimStorage& storage, const LogTruth& truth)
      : world_(world), storage_(storage), truth_(truth) {
    storage.AddObserver(this);
  }

  void OnWritten(const std::string& path, const std::string& contents,
                 const std::string* former) override;
  void OnRemoved(const std::string& path) override;
  void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) override;

 private:
  void CheckObjects(const std::string& job, const LogTruth::Job& truth, Epoch epoch);

  SimWorld& world_;
  SimStorage& storage_;
  const LogTruth& truth_;
};

}  // namespace weir::sim
