#include "tests/sim/sim_job_manager.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::sim {

using jobmanager::Dispatcher;
using jobmanager::JobManager;

void SimLock::Wait(SimProcess& process, std::function<void()> elected) {
  waiting_.push_back({&process, std::move(elected)});
  process.AtDeath([this, &process] {
    if (holder_ != &process) return;
    world_.Schedule(absl::Milliseconds(Between(random_, 20, 400)), [this] { GrantNext(); });
  });
  if (holder_ == nullptr || !holder_->alive()) GrantNext();
}

void SimLock::GrantNext() {
  if (holder_ != nullptr && holder_->alive()) return;
  GiveAway();
}

void SimLock::GiveAway() {
  while (!waiting_.empty()) {
    const Waiting next = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    if (!next.process->alive()) continue;
    holder_ = next.process;
    world_.Trace("elected", next.process->name);
    next.process->executor.Post(next.elected);
    return;
  }
}

SimJobManager::SimJobManager(SimEnvironment& environment, SimLock& lock, const std::string& host,
                             int start)
    : environment_(environment),
      process_(environment.world, absl::StrCat(host, ".", start), host),
      files_(environment.storage, host),
      layout_("/storage", "sim"),
      config_(Config::FromValues(environment.config.cluster_options).value()),
      election_(lock, process_) {
  Dispatcher::Identity identity;
  identity.cluster = "sim";
  identity.process = process_.name;
  identity.address = host;
  job_manager_ = std::make_unique<JobManager>(
      identity,
      Dispatcher::Dependencies{
          process_.clock, process_.executor, process_.pool, files_, process_.random, layout_,
          config_, [](const ArtifactId&) -> absl::StatusOr<bool> { return true; },
          [this](const absl::Status& why) {
            process_.world.Trace("leadership lost", process_.name, std::string(why.message()));
            process_.world.Schedule(absl::Milliseconds(1), [this] { process_.Kill(); });
          }},
      election_);
  SimServer server;
  server.process = &process_;
  server.on_up = [this](std::function<void(proto::Envelope)> send, std::function<void()> close) {
    return job_manager_->OnControlStreamUp(std::move(send), std::move(close));
  };
  server.on_message = [this](uint64_t stream, const proto::Envelope& envelope) {
    job_manager_->OnControlMessage(stream, envelope);
  };
  server.on_down = [this](uint64_t stream) { job_manager_->OnControlStreamDown(stream); };
  environment.network.Listen(host, server);
  process_.executor.Post([this] { job_manager_->Start(); });
}

}  // namespace weir::sim
