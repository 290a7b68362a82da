#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/net/grpc_channel_factory.h"
#include "taskmanager/agent/artifact_fetcher.h"

namespace weir::taskmanager {

/// Fetches over the JobManagers' Client service; any of them will do, leader or standby.
///
/// `addresses` is asked on the executor at each fetch and gives them in the order to be tried.
/// Each attempt may take kTimeout. Lifetime: everything handed in outlives it and its fetches.
class GrpcArtifactFetcher final : public ArtifactFetcher {
 public:
  static constexpr absl::Duration kTimeout = absl::Minutes(2);

  GrpcArtifactFetcher(Executor& executor, BlockingPool& pool, const GrpcChannelFactory& factory,
                      std::function<std::vector<std::string>()> addresses);

  void Fetch(const ArtifactId& id, const std::string& path,
             std::function<void(absl::Status)> done) override;

 private:
  Executor& executor_;
  BlockingPool& pool_;
  const GrpcChannelFactory& factory_;
  const std::function<std::vector<std::string>()> addresses_;
};

}  // namespace weir::taskmanager
