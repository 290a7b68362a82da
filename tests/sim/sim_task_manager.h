#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/net/control_connection.h"
#include "taskmanager/agent/task_manager.h"
#include "tests/sim/sim_worker.h"

namespace weir::sim {

/// Starts worker "processes" for one TaskManager process, with the delays and the failures of real
/// ones; they die with it.
class SimWorkerLauncher final : public taskmanager::WorkerLauncher {
 public:
  SimWorkerLauncher(SimEnvironment& environment, SimProcess& process)
      : environment_(environment),
        process_(process),
        random_(environment.world.Fork("launcher " + process.name)) {}

  void SetTaskManager(taskmanager::TaskManager* task_manager) { task_manager_ = task_manager; }
  void Launch(const proto::WorkerSpec& spec, std::function<void(uint64_t pid)> started,
              std::function<void(const std::string& reason)> exited) override;
  void Kill(const WorkerId& worker) override;
  void Plan(const proto::RunPlanner& request,
            std::function<void(absl::StatusOr<proto::JobGraph>)> done) override;

  /// Living workers.
  std::vector<SimWorker*> Workers() const;
  void DropClosures();

 private:
  struct Child {
    std::unique_ptr<SimWorker> worker;
    uint64_t stream = 0;
    bool connected = false;
    bool killed_before_start = false;
    absl::Duration last_up;  // arrival times keep a stream's order
    absl::Duration last_down;
  };
  using ChildPtr = std::shared_ptr<Child>;

  void Start(const proto::WorkerSpec& spec, const ChildPtr& child,
             std::function<void(const std::string&)> exited);
  void Up(const ChildPtr& child, const proto::Envelope& envelope);
  void Down(const ChildPtr& child, const proto::Envelope& envelope);

  SimEnvironment& environment_;
  SimProcess& process_;
  SeededRandom random_;
  taskmanager::TaskManager* task_manager_ = nullptr;
  std::map<WorkerId, ChildPtr> children_;
};

/// One TaskManager process: a real TaskManager and ControlConnection over simulated streams.
class SimTaskManager {
 public:
  SimTaskManager(SimEnvironment& environment, const std::string& host, int start);

  SimProcess& process() { return process_; }
  SimWorkerLauncher& launcher() { return launcher_; }
  void DropClosures();

 private:
  void HandleMessage(const proto::Envelope& envelope);

  SimEnvironment& environment_;
  SimProcess process_;
  SimFileSystem files_;
  SimWorkerLauncher launcher_;
  std::unique_ptr<ControlConnection> connection_;
  std::unique_ptr<taskmanager::TaskManager> task_manager_;
};

}  // namespace weir::sim
