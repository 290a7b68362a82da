#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/checkers/linear_log_checker.h"
#include "tests/sim/checkers/manifest_checker.h"
#include "tests/sim/checkers/object_checker.h"
#include "tests/sim/sim_client.h"
#include "tests/sim/sim_job_manager.h"
#include "tests/sim/sim_task_manager.h"

namespace weir::sim {

struct SimResult {
  uint64_t seed = 0;
  std::string violation;  // empty: all invariants held
  uint64_t trace_hash = 0;
  uint64_t events = 0;
  uint64_t epochs = 0;  // owned
  uint64_t generations = 0;
  uint64_t replays = 0;  // transactions that were published again and committed
  // Of a small job: the events behind which there was a worker first, and behind which it was over.
  uint64_t first_worker = 0;
  uint64_t over = 0;
  absl::Duration finished_at;  // virtual
};

/// One run: a whole cluster with one job under one seed. Faults first; then the world heals, and
/// the job has to end within a bound of virtual time with everything delivered.
class SimCluster : private JobEntryObserver {
 public:
  SimCluster(const SimConfig& config, bool verbose);
  ~SimCluster();

  SimResult Run();

 private:
  struct Host {
    std::string name;
    int starts = 0;
  };

  // Between the entry that owns an epoch and its permit.
  void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) override;
  bool ShortLivedTransactions() const {
    return config_.transactional && config_.transaction_timeout < absl::Minutes(1);
  }
  void StartJobManager(size_t host);
  absl::Duration JobManagerDowntime();
  void StartTaskManager(size_t host);
  void ScheduleFaults();
  void Fault();
  void CrashAsPlanned();
  std::vector<SimWorker*> Workers() const;
  void CrashWorker();
  void CrashTaskManager();
  void CrashJobManager();
  void PauseSomebody();
  void PartitionSomebody();
  void StorageAway();
  void TwoLeaders();
  void CheckEnd();
  void Heal();
  bool Finished();
  const LogTruth::Job* JobTruth() const;
  absl::Duration RandomMs(int64_t low, int64_t high) {
    return absl::Milliseconds(Between(random_, low, high));
  }

  const SimConfig config_;
  SimWorld world_;
  SeededRandom random_;
  SimStorage storage_;
  SimNetwork network_;
  SimExchange exchange_;
  LogTruth truth_;
  BarrierRecord barriers_;
  Outside outside_;
  SimThreads threads_;
  SimBrokers brokers_;
  PlantedEdits edits_;
  RestoreChecker restores_;
  LinearLogChecker linear_log_;
  ObjectChecker objects_;
  TransactionChecker transactions_;
  ManifestChecker manifests_;
  SimEnvironment environment_;
  SimLock lock_;
  std::vector<Host> job_manager_hosts_;
  std::vector<Host> task_manager_hosts_;
  // Every process that ever ran; the last of a host is the current one.
  std::vector<std::vector<std::unique_ptr<SimJobManager>>> job_managers_;
  std::vector<std::vector<std::unique_ptr<SimTaskManager>>> task_managers_;
  SimClient client_;
  bool healed_ = false;
  uint64_t first_worker_ = 0;
  absl::Duration healed_at_;
  size_t epochs_at_heal_ = 0;
};

SimResult RunConfig(const SimConfig& config, bool verbose = false);
/// Draws the configuration of `seed` and runs it.
SimResult RunSeed(uint64_t seed, PlantedBug bug = PlantedBug::kNone, bool verbose = false);

}  // namespace weir::sim
