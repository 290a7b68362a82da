#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"
#include "state/checkpoint/cluster_history.h"
#include "state/checkpoint/job_history.h"

namespace weir::sim {

/// What the logs in storage really say, whatever the processes believe. Kept by LinearLogChecker,
/// read by all other checkers.
struct LogTruth {
  struct Job {
    JobHistory history;
    std::vector<proto::JobLogEntry> entries;
    std::map<Epoch, proto::CheckpointManifest> manifests;  // of every epoch ever owned
    std::map<Generation, proto::JobStarted> starts;
    std::set<std::string> deletable;  // named by retired or aborted entries
  };

  ClusterHistory cluster;
  std::map<std::string, Job> jobs;  // by JobId

  bool IsOwned(const std::string& job, Epoch epoch) const {
    const auto it = jobs.find(job);
    return it != jobs.end() && it->second.manifests.count(epoch) > 0;
  }
};

}  // namespace weir::sim
