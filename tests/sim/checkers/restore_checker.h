#pragma once

#include <string>

#include "proto/control.pb.h"
#include "tests/sim/log_truth.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// What a worker is told to run is what the log says: its generation stands there as started, with
/// the epoch that was the newest owned one, and snapshots, positions and watermarks are those of
/// that epoch's manifest; every owned epoch without receipt is to be committed again.
class RestoreChecker {
 public:
  RestoreChecker(SimWorld& world, const LogTruth& truth) : world_(world), truth_(truth) {}

  void OnDirective(const proto::Header& header, const proto::WorkerDirective& directive);

 private:
  void OnDeployment(const LogTruth::Job& job, Generation generation,
                    const proto::Deployment& deployment);
  void CheckOperatorStates(const proto::CheckpointManifest& manifest,
                           const proto::Deployment& deployment);
  void CheckSplits(const proto::CheckpointManifest& manifest, const proto::Deployment& deployment);

  SimWorld& world_;
  const LogTruth& truth_;
};

}  // namespace weir::sim
