#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/log_truth.h"
#include "tests/sim/sim_storage.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// Told when an entry came to stand in a job's log.
class JobEntryObserver {
 public:
  virtual ~JobEntryObserver() = default;
  virtual void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) = 0;
};

/// L1 to L3 of docs/protocols/logs.md: entries never change, have no gaps, never fall back to an
/// older term; epochs and generations rise, one owner each. Keeps LogTruth.
class LinearLogChecker final : public StorageObserver {
 public:
  LinearLogChecker(SimWorld& world, SimStorage& storage, LogTruth& truth);
  void AddObserver(JobEntryObserver* observer) { observers_.push_back(observer); }

  void OnWritten(const std::string& path, const std::string& contents,
                 const std::string* former) override;
  void OnRemoved(const std::string& path) override;

 private:
  void OnClusterEntry(const proto::ClusterLogEntry& entry);
  void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry);
  void CheckStarted(const LogTruth::Job& job, const proto::JobLogEntry& entry);

  SimWorld& world_;
  SimStorage& storage_;
  LogTruth& truth_;
  std::vector<JobEntryObserver*> observers_;
  std::map<std::string, uint64_t> heads_;  // by directory
};

}  // namespace weir::sim
