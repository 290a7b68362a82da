#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "taskmanager/agent/artifact_fetcher.h"

namespace weir::taskmanager {

/// Where the TaskManager gets the local path of a job's binary from; replaced in the simulator.
/// Everything on one executor; `done` is posted or called there.
class ArtifactProvider {
 public:
  using Done = std::function<void(absl::StatusOr<std::string>)>;
  virtual ~ArtifactProvider() = default;
  virtual void Get(const ArtifactId& id, Done done) = 0;
};

struct ArtifactCacheOptions {
  std::string directory;      // "<taskmanager.work-dir>/artifacts"; made when missing
  size_t max_artifacts = 20;  // beyond it the longest unused are removed; running ones go on
};

/// Binaries on this node's disk, one file each, named by its SHA-256 and executable. What an
/// earlier TaskManager left is taken over once its digest has been checked.
///
/// Threads: one executor; disk work on the pool. Requests for one artifact share one fetch.
/// Lifetime: executor, pool and fetcher outlive it. It may go while fetches are under way: their
/// `done` is then not called.
class ArtifactCache final : public ArtifactProvider {
 public:
  ArtifactCache(Executor& executor, BlockingPool& pool, ArtifactFetcher& fetcher,
                ArtifactCacheOptions options);

  /// The errors of ArtifactFetcher, or of the local disk.
  void Get(const ArtifactId& id, Done done) override;

 private:
  void Check(const ArtifactId& id);
  void Fetch(const ArtifactId& id);
  void Finish(const ArtifactId& id, const absl::Status& status);
  void RemoveLongestUnused();
  std::string PathOf(const ArtifactId& id) const { return options_.directory + "/" + id.value(); }

  Executor& executor_;
  BlockingPool& pool_;
  ArtifactFetcher& fetcher_;
  const ArtifactCacheOptions options_;
  std::map<ArtifactId, uint64_t> last_use_;          // of those that are there, checked
  std::map<ArtifactId, std::vector<Done>> waiting_;  // an entry: the file is being worked on
  uint64_t uses_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager
