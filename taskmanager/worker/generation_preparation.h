#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/io/file_system.h"
#include "common/operator/stream_graph.h"
#include "proto/control.pb.h"
#include "state/operator/operator_state_parts.h"
#include "taskmanager/task/task_snapshot.h"
#include "taskmanager/worker/coordinator_tasks.h"
#include "taskmanager/worker/patience.h"
#include "taskmanager/worker/uploaded_files.h"

namespace weir::taskmanager {

/// What a task starts from, its blobs loaded.
struct RestoredTask {
  TaskSnapshotData snapshot;
  std::vector<TaskSnapshotData> others;                       // that may have key groups of it
  std::map<std::string, OperatorStateParts> operator_states;  // by the operators' uids
};

/// What a worker has to have before it can build the tasks of a generation.
struct PreparedGeneration {
  absl::Status status;
  bool storage_failed = false;  // the status is checkpoint storage's, not a connector's
  std::map<SubtaskId, RestoredTask> restored;
  std::shared_ptr<CoordinatorTasks> coordinator;  // only where the coordinator tasks live
};

/// Whose generation it is, and where it is prepared.
struct GenerationContext {
  SinkIdentity identity;  // without a sink's uid
  Generation generation;
  LeaderTerm term;
  std::string host;                           // for messages
  std::string state_directory;                // for files of restored keyed state
  std::function<void()> on_progress = [] {};  // it has got on by a step; from the pool's thread
  Patience patience = {};                     // for what passes by itself
};

/// Reads the storage probe, loads restored state, and starts the coordinator tasks where the
/// deployment says so. Blocks: runs on a BlockingPool.
PreparedGeneration PrepareGeneration(FileSystem& files, const StreamGraph& graph,
                                     const proto::Deployment& deployment,
                                     const GenerationContext& context);

/// The files of keyed state that the restored checkpoint has: they lie in storage already.
std::shared_ptr<UploadedFiles> RestoredFiles(const proto::Deployment& deployment);

/// Whether starting again may help. At the first start a wrong topic or option is final, and so are
/// brokers that never answered; a job that ran before is not given up for what may be a passing
/// condition outside. FailurePolicy::kRestartJob is never final.
bool IsWorthRetrying(const absl::Status& status, bool restored);
/// As above; checkpoint storage that does not answer comes back, also at the first start.
bool IsWorthRetrying(const PreparedGeneration& prepared, bool restored);

}  // namespace weir::taskmanager
