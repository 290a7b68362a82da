#include "tests/sim/sim_task_manager.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/graph/planner.h"

namespace weir::sim {

using taskmanager::TaskManager;

void SimWorkerLauncher::Launch(const proto::WorkerSpec& spec,
                               std::function<void(uint64_t pid)> started,
                               std::function<void(const std::string& reason)> exited) {
  auto child = std::make_shared<Child>();
  children_[WorkerId(spec.worker())] = child;
  const absl::Duration delay = absl::Milliseconds(Between(random_, 5, 120));
  const bool fails = Chance(random_, 20);
  environment_.world.Schedule(delay, [this, spec, child, fails, started, exited] {
    if (!process_.alive()) return;
    if (fails || child->killed_before_start) {
      process_.executor.Post([exited] { exited("could not be started"); });
      return;
    }
    process_.executor.Post([started] { started(4711); });
    Start(spec, child, exited);
  });
}

void SimWorkerLauncher::Start(const proto::WorkerSpec& spec, const ChildPtr& child,
                              std::function<void(const std::string&)> exited) {
  environment_.world.Trace("worker starts", spec.worker(), process_.name);
  child->worker = std::make_unique<SimWorker>(
      environment_, spec, process_.host,
      [this, id = WorkerId(spec.worker())](const proto::Envelope& envelope) {
        const auto it = children_.find(id);
        if (it != children_.end()) Up(it->second, envelope);
      });
  SimProcess& worker = child->worker->process();
  worker.AtDeath([this, raw = child.get(), exited] {
    // The end of its stream and the end of the process are seen in either order.
    environment_.world.Schedule(absl::Microseconds(Between(random_, 10, 3000)), [this, raw] {
      process_.executor.Post([this, raw] {
        if (raw->connected) task_manager_->OnWorkerStreamDown(raw->stream);
      });
    });
    environment_.world.Schedule(absl::Microseconds(Between(random_, 10, 3000)), [this, exited] {
      process_.executor.Post([exited] { exited("killed by signal 9 (SIGKILL)"); });
    });
  });
  process_.AtDeath([this, &worker] {  // the parent-death signal
    environment_.world.Schedule(absl::Microseconds(Between(random_, 10, 5000)),
                                [&worker] { worker.Kill(); });
  });
  process_.executor.Post([this, child] {
    child->stream = task_manager_->OnWorkerStreamUp(
        [this, child](const proto::Envelope& envelope) { Down(child, envelope); },
        [child] { child->worker->process().Kill(); });
    child->connected = true;
  });
  proto::Envelope hello;
  hello.mutable_header()->set_sender(spec.worker());
  hello.mutable_worker_hello()->set_worker(spec.worker());
  hello.mutable_worker_hello()->set_pid(4711);
  environment_.world.Schedule(absl::Milliseconds(1), [this, child, hello] { Up(child, hello); });
}

void SimWorkerLauncher::Up(const ChildPtr& child, const proto::Envelope& envelope) {
  SimWorld& world = environment_.world;
  child->last_up = std::max(child->last_up + absl::Microseconds(1),
                            world.now() + absl::Microseconds(Between(random_, 30, 300)));
  world.Schedule(child->last_up - world.now(), [this, child, bytes = envelope.SerializeAsString()] {
    process_.executor.Post([this, child, bytes] {
      proto::Envelope parsed;
      if (child->connected && parsed.ParseFromString(bytes)) {
        task_manager_->OnWorkerMessage(child->stream, parsed);
      }
    });
  });
}

void SimWorkerLauncher::Down(const ChildPtr& child, const proto::Envelope& envelope) {
  SimWorld& world = environment_.world;
  child->last_down = std::max(child->last_down + absl::Microseconds(1),
                              world.now() + absl::Microseconds(Between(random_, 30, 300)));
  world.Schedule(child->last_down - world.now(), [child, bytes = envelope.SerializeAsString()] {
    child->worker->process().executor.Post([child, bytes] {
      proto::Envelope parsed;
      if (parsed.ParseFromString(bytes)) child->worker->Deliver(std::move(parsed));
    });
  });
}

void SimWorkerLauncher::Kill(const WorkerId& worker) {
  const auto it = children_.find(worker);
  if (it == children_.end()) return;
  const ChildPtr child = it->second;
  environment_.world.Schedule(absl::Microseconds(Between(random_, 10, 2000)), [child] {
    if (child->worker == nullptr) {
      child->killed_before_start = true;
    } else {
      child->worker->process().Kill();
    }
  });
}

void SimWorkerLauncher::Plan(const proto::RunPlanner& request,
                             std::function<void(absl::StatusOr<proto::JobGraph>)> done) {
  (void)request;
  environment_.world.Schedule(absl::Milliseconds(Between(random_, 5, 60)), [this, done] {
    process_.executor.Post([this, done] {
      ModelContext context{environment_.world,
                           environment_.config,
                           environment_.outside,
                           environment_.barriers,
                           environment_.brokers,
                           nullptr,
                           nullptr,
                           "planner",
                           nullptr};
      done(PlanJob(MakeModelGraph(context)));
    });
  });
}

std::vector<SimWorker*> SimWorkerLauncher::Workers() const {
  std::vector<SimWorker*> workers;
  for (const auto& [id, child] : children_) {
    if (child->worker != nullptr && child->worker->process().alive()) {
      workers.push_back(child->worker.get());
    }
  }
  return workers;
}

void SimWorkerLauncher::DropClosures() {
  for (const auto& [id, child] : children_) {
    if (child->worker != nullptr) child->worker->process().DropClosures();
  }
}

SimTaskManager::SimTaskManager(SimEnvironment& environment, const std::string& host, int start)
    : environment_(environment),
      process_(environment.world, absl::StrCat(host, ".", start), host),
      files_(environment.storage, host),
      launcher_(environment, process_) {
  ControlConnectionOptions addresses;
  for (uint32_t i = 0; i < environment.config.job_managers; ++i) {
    addresses.addresses.push_back(absl::StrCat("jm-", i));
  }
  ControlConnectionCallbacks callbacks;
  callbacks.on_up = [this] { task_manager_->OnLeaderStreamUp(); };
  callbacks.on_message = [this](const proto::Envelope& envelope) { HandleMessage(envelope); };
  callbacks.on_down = [this](const absl::Status&) { task_manager_->OnLeaderStreamDown(); };
  connection_ = std::make_unique<ControlConnection>(
      process_.executor, addresses,
      [this](const std::string& address, MessageStreamCallbacks stream) {
        return environment_.network.Connect(process_, address, std::move(stream));
      },
      callbacks);
  TaskManager::Options options;
  options.id = TaskManagerId(process_.name);
  options.node = options.host = host;
  options.cluster = "sim";
  options.storage_root = "/storage";
  options.slots = environment.config.slots;
  task_manager_ = std::make_unique<TaskManager>(
      options, TaskManager::Dependencies{
                   process_.clock, process_.executor, process_.pool, files_, launcher_,
                   [this](proto::Envelope envelope) { connection_->Send(std::move(envelope)); },
                   [this](const std::string& leader, const std::string& why) {
                     connection_->MoveOn(leader, why);
                   },
                   [this] { connection_->Confirm(); },
                   [this](const absl::Status& why) {
                     environment_.world.Violate("Liveness",
                                                absl::StrCat("TaskManager ", process_.name,
                                                             " gives up: ", why.ToString()));
                   }});
  launcher_.SetTaskManager(task_manager_.get());
  process_.executor.Post([this] { connection_->Start(); });
}

void SimTaskManager::HandleMessage(const proto::Envelope& envelope) {
  const uint64_t before = task_manager_->term().value();
  task_manager_->OnLeaderMessage(envelope);
  const uint64_t after = task_manager_->term().value();
  if (after < before) {
    environment_.world.Violate(
        "Terms", absl::StrCat("TaskManager ", process_.name, " goes from term ", before,
                              " back to ", after));
  }
}

void SimTaskManager::DropClosures() {
  launcher_.DropClosures();
  process_.DropClosures();
}

}  // namespace weir::sim
