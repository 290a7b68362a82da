#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "taskmanager/task/executor_task_host.h"
#include "taskmanager/worker/worker_endpoint.h"
#include "tests/sim/checkers/restore_checker.h"
#include "tests/sim/checkers/terms_checker.h"
#include "tests/sim/model_job.h"
#include "tests/sim/planted_edits.h"
#include "tests/sim/sim_broker_link.h"
#include "tests/sim/sim_exchange.h"
#include "tests/sim/sim_process.h"
#include "tests/sim/sim_storage.h"

namespace weir::sim {

/// What every process of a run shares.
struct SimEnvironment {
  SimWorld& world;
  const SimConfig& config;
  SimStorage& storage;
  SimNetwork& network;
  LogTruth& truth;
  Outside& outside;
  BarrierRecord& barriers;
  SimBrokers& brokers;
  SimThreads& threads;
  PlantedEdits& edits;
  RestoreChecker& restores;
  SimExchange& exchange;
};

/// One worker process: a real WorkerEndpoint whose tasks are stepped from the event queue, one
/// executor a slot.
class SimWorker {
 public:
  /// `send` carries its envelopes to its TaskManager.
  SimWorker(SimEnvironment& environment, const proto::WorkerSpec& spec, const std::string& host,
            std::function<void(proto::Envelope)> send);

  SimProcess& process() { return process_; }
  /// On the process's executor.
  void Deliver(proto::Envelope envelope);

 private:
  taskmanager::TaskHost& HostOf(uint32_t slot);
  void Hand(const proto::Envelope& envelope);

  SimEnvironment& environment_;
  SimProcess process_;
  SimFileSystem files_;
  SimBrokerLink link_;
  ModelContext context_;
  const StreamGraph graph_;
  TermsChecker terms_;
  std::unique_ptr<taskmanager::ExchangeTransport> transport_;
  std::unique_ptr<taskmanager::WorkerEndpoint> endpoint_;
  std::map<uint32_t, std::unique_ptr<taskmanager::ExecutorTaskHost>> hosts_;  // destroyed first
};

}  // namespace weir::sim
