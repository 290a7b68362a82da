#pragma once

#include "common/base/strong_id.h"

namespace weir {

/// The identities of Weir (docs/protocols/fencing.md). Every control message carries the ones that
/// matter to it, and whoever is addressed by an older one rejects the message first thing.
///
/// JobId        one submitted job; drawn at random when it is registered.
/// Generation   one start of the execution of a job's failure region; rises by one at each start.
/// Epoch        one checkpoint of a job; rises over all generations. Epoch 0 holds the initial
///              offsets, so "no epoch" is expressed with std::optional, not with 0.
/// WorkerId     one process start of a worker; never used again.
/// TaskManagerId one process start of a TaskManager.
/// LeaderTerm   one JobManager leadership, issued by the cluster log. 0 = none seen yet.
using JobId = StrongString<struct JobIdTag>;
using WorkerId = StrongString<struct WorkerIdTag>;
using TaskManagerId = StrongString<struct TaskManagerIdTag>;
using OperatorUid = StrongString<struct OperatorUidTag>;
using ArtifactId = StrongString<struct ArtifactIdTag>;  // SHA-256 of the file, lower-case hex
using Generation = StrongInt<struct GenerationTag>;
using Epoch = StrongInt<struct EpochTag>;
using LeaderTerm = StrongInt<struct LeaderTermTag>;
using VertexId = StrongInt<struct VertexIdTag>;

/// One parallel instance of a vertex of the job graph.
struct SubtaskId {
  VertexId vertex;
  uint32_t index = 0;
  auto operator<=>(const SubtaskId&) const = default;
};

}  // namespace weir
