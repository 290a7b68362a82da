#pragma once

#include <map>
#include <string>

#include "proto/control.pb.h"
#include "tests/sim/log_truth.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_network.h"

namespace weir::sim {

/// The planted bugs that show as messages: edits what arrives as a faulty sender or receiver would
/// have made or taken it.
class PlantedEdits {
 public:
  PlantedEdits(const SimConfig& config, const LogTruth& truth, SimNetwork& network)
      : config_(config), truth_(truth), network_(network) {}

  void EditControl(bool to_leader, proto::Envelope* envelope);
  /// A directive about to reach a worker; `replay` is filled when an older one gets through, too.
  void EditAtWorker(proto::Envelope* envelope, std::optional<proto::Envelope>* replay);

 private:
  void EditReport(proto::Header* header, proto::WorkerReport* report);
  void EditDirective(const proto::Header& header, proto::WorkerDirective* directive);
  void AddMissingTasks(proto::WorkerReport* report);
  void CreditOldAnswer(const std::string& worker, proto::WorkerReport* report);
  void RestoreOlder(const std::string& job, proto::Deployment* deployment);

  const SimConfig& config_;
  const LogTruth& truth_;
  SimNetwork& network_;
  std::map<std::string, proto::CheckpointAnswer> last_answer_;    // by worker
  std::map<std::string, proto::CheckpointTrigger> last_trigger_;  // by worker
  std::map<std::string, uint64_t> permitted_;                     // by worker
  std::map<std::string, proto::Envelope> idle_directive_;         // by worker: generation 0
  std::map<std::string, proto::Envelope> deployment_;             // by worker
};

}  // namespace weir::sim
