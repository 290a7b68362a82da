#pragma once

#include <cstddef>
#include <string>

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/clock.h"
#include "proto/control.pb.h"
#include "taskmanager/task/task_builder.h"

namespace weir::taskmanager {

/// Where the tasks of a generation on one worker have their keyed state, and how much memory.
struct TieredStateSetup {
  std::string directory;  // of the worker, on a local disk
  WorkerId worker;
  Generation generation;
  size_t memory_bytes = 0;  // of all
  size_t backends = 0;      // that share it
};

/// Keyed state behind RocksDB, a folder for each operator and subtask
/// (docs/protocols/state-tier.md).
/// Lifetime: borrows clock and pool.
KeyedStateFactory MakeTieredStateFactory(TieredStateSetup setup, const Clock& clock,
                                         BlockingPool& pool);

/// How many operators with keyed state the tasks of a deployment have, each subtask counted.
size_t KeyedOperatorsOf(const StreamGraph& graph, const proto::Deployment& deployment);

/// Where a generation has its files: everything in it may be removed when that is over.
std::string StateDirectoryOf(const std::string& directory, Generation generation);

}  // namespace weir::taskmanager
