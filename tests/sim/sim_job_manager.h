#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "jobmanager/job_manager.h"
#include "state/checkpoint/storage_layout.h"
#include "tests/sim/sim_worker.h"

namespace weir::sim {

/// The lock that JobManagers wait for: released some time after its holder died. It may also be
/// given to another while the holder lives, since leadership is never a matter of safety.
class SimLock {
 public:
  explicit SimLock(SimWorld& world) : world_(world), random_(world.Fork("lock")) {}

  void Wait(SimProcess& process, std::function<void()> elected);
  /// The next in line is elected although the holder lives.
  void GiveAway();
  SimProcess* holder() const { return holder_; }

 private:
  struct Waiting {
    SimProcess* process;
    std::function<void()> elected;
  };
  void GrantNext();

  SimWorld& world_;
  SeededRandom random_;
  SimProcess* holder_ = nullptr;
  std::vector<Waiting> waiting_;
};

/// One JobManager process: a real JobManager, reached over the simulated network and by the client.
class SimJobManager {
 public:
  SimJobManager(SimEnvironment& environment, SimLock& lock, const std::string& host, int start);

  SimProcess& process() { return process_; }
  jobmanager::JobManager& job_manager() { return *job_manager_; }
  void DropClosures() { process_.DropClosures(); }

 private:
  class Election final : public jobmanager::LeaderElection {
   public:
    Election(SimLock& lock, SimProcess& process) : lock_(lock), process_(process) {}
    void Start(std::function<void()> elected) override { lock_.Wait(process_, std::move(elected)); }

   private:
    SimLock& lock_;
    SimProcess& process_;
  };

  SimEnvironment& environment_;
  SimProcess process_;
  SimFileSystem files_;
  const StorageLayout layout_;
  const Config config_;
  Election election_;
  std::unique_ptr<jobmanager::JobManager> job_manager_;
};

}  // namespace weir::sim
