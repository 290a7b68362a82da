#include "tests/sim/sim_worker.h"

#include <optional>
#include <utility>

#include "common/base/check.h"
#include "common/graph/planner.h"
#include "tests/sim/keyed/planted_keyed_state.h"

namespace weir::sim {
namespace {

taskmanager::KeyedStateFactory KeyedStateOf(PlantedBug bug, const Clock& clock) {
  if (!IsKeyedBug(bug) || bug == PlantedBug::kGateWatermarkLost) return nullptr;
  return [bug, &clock](KeyedStateBackend::Options options, const std::string&, SubtaskId) {
    return absl::StatusOr<std::unique_ptr<KeyedStateBackend>>(
        MakePlantedKeyedState(bug, std::move(options), clock));
  };
}

}  // namespace

using taskmanager::ExecutorTaskHost;
using taskmanager::WorkerEndpoint;

SimWorker::SimWorker(SimEnvironment& environment, const proto::WorkerSpec& spec,
                     const std::string& host, std::function<void(proto::Envelope)> send)
    : environment_(environment),
      process_(environment.world, spec.worker(), host),
      files_(environment.storage, host),
      link_(process_, environment.threads, environment.brokers),
      context_{environment.world,
               environment.config,
               environment.outside,
               environment.barriers,
               environment.brokers,
               &process_,
               &link_,
               spec.worker(),
               [&network = environment.network, host](absl::Duration until) {
                 network.Isolate(host, until);
               }},
      graph_(MakeModelGraph(context_)),
      terms_(environment.world, spec.worker()),
      transport_(environment.exchange.MakeTransport(process_)) {
  if (environment.config.transactional) process_.pool.UseThreads(&environment.threads);
  absl::StatusOr<proto::JobGraph> plan = PlanJob(graph_);
  WEIR_CHECK(plan.ok()) << plan.status();
  WorkerEndpoint::Options options;
  options.host = host;
  options.sink_sweep_interval = absl::Seconds(2);
  options.exchange.set_worker(spec.worker());
  options.exchange.add_addresses(SimExchange::AddressOf(process_));
  endpoint_ = std::make_unique<WorkerEndpoint>(
      WorkerId(spec.worker()), JobId(spec.job()), graph_, *std::move(plan), options,
      WorkerEndpoint::Dependencies{
          process_.clock, process_.executor, process_.pool, files_,
          [this](uint32_t slot) -> taskmanager::TaskHost& { return HostOf(slot); },
          [this, send = std::move(send)](const proto::Envelope& envelope) {
            if (process_.alive()) send(envelope);
          },
          [] { return uint64_t{0}; }, nullptr, transport_.get(),
          KeyedStateOf(environment.config.bug, process_.clock)});
}

taskmanager::TaskHost& SimWorker::HostOf(uint32_t slot) {
  std::unique_ptr<ExecutorTaskHost>& host = hosts_[slot];
  if (host == nullptr) {
    ExecutorTaskHost::Options options;
    options.rounds_per_turn = 2;
    options.stall_threshold = absl::Hours(1);
    host = std::make_unique<ExecutorTaskHost>(process_.AddExecutor(), process_.clock, options);
  }
  return *host;
}

void SimWorker::Deliver(proto::Envelope envelope) {
  if (!envelope.has_worker_directive()) return;
  std::optional<proto::Envelope> replay;
  if (environment_.config.bug != PlantedBug::kNone) {
    environment_.edits.EditAtWorker(&envelope, &replay);
  }
  Hand(envelope);
  if (replay) Hand(*replay);
}

void SimWorker::Hand(const proto::Envelope& envelope) {
  const proto::Header& header = envelope.header();
  terms_.AfterDirective(endpoint_->term().value(), endpoint_->generation().value());
  terms_.BeforeDirective(environment_.network.OriginOf(header), endpoint_->generation().value());
  environment_.restores.OnDirective(header, envelope.worker_directive());
  if (ForgetsGateWatermark(environment_.config.bug) &&
      envelope.worker_directive().has_deployment()) {
    proto::Envelope without = envelope;
    for (proto::TaskDeployment& task :
         *without.mutable_worker_directive()->mutable_deployment()->mutable_tasks()) {
      if (task.has_restored()) task.mutable_restored()->clear_input_watermark_us();
    }
    endpoint_->OnEnvelope(without);
  } else {
    endpoint_->OnEnvelope(envelope);
  }
  terms_.AfterDirective(endpoint_->term().value(), endpoint_->generation().value());
}

}  // namespace weir::sim
