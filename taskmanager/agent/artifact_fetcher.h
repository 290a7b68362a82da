#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"

#include "common/base/ids.h"

namespace weir::taskmanager {

/// Brings an artifact from the JobManager to this node.
///
/// Threads: on one executor; `done` is posted there, exactly once. Nothing blocks.
/// Errors: NOT_FOUND: the cluster has no such artifact; DATA_LOSS: what came has another digest;
/// UNAVAILABLE: no JobManager answers; RESOURCE_EXHAUSTED: the disk is full.
class ArtifactFetcher {
 public:
  virtual ~ArtifactFetcher() = default;
  /// Writes the artifact, whole and with the right digest, to the new file `path`; after an error
  /// there is none.
  virtual void Fetch(const ArtifactId& id, const std::string& path,
                     std::function<void(absl::Status)> done) = 0;
};

}  // namespace weir::taskmanager
