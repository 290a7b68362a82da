#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "common/connector/sink.h"
#include "common/exec/blocking_pool.h"
#include "common/operator/stream_graph.h"
#include "common/time/clock.h"
#include "common/types/key_group.h"
#include "state/keyed/keyed_state_backend.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::taskmanager {

/// One subtask to build: a vertex of the job graph, its operators, and what it is connected to.
struct TaskDescription {
  SubtaskId subtask;
  std::string name;  // of the vertex
  uint32_t parallelism = 1;
  std::vector<std::string> operator_uids;  // first to last, as in the vertex
  /// The channels from the tasks before; none when the first operator is a source.
  std::vector<std::shared_ptr<ChannelInput>> inputs;
  /// The channels to the tasks of one vertex behind, by subtask; one for a forward edge.
  struct Output {
    std::string source_uid;  // the operator of this vertex whose rows they get
    std::string target_uid;  // the first operator of that vertex
    std::vector<std::shared_ptr<ChannelOutput>> channels;
    std::string side_output = {};  // the tag, where it is a side output that they get
    /// Of a hash exchange: the subtask of each key group there; empty: contiguous ranges.
    std::vector<uint32_t> key_groups = {};
  };
  std::vector<Output> outputs;
  uint32_t max_parallelism = kDefaultMaxParallelism;  // number of key groups
  /// Of a keyed vertex: the subtask of each key group; empty: contiguous ranges.
  std::vector<uint32_t> key_groups = {};
  /// Operator states to start from; null for a fresh start. The splits in it are not used: who owns
  /// a split is decided anew, and splits come with AddSplits.
  const TaskSnapshotData* restored = nullptr;
  /// Those of the other subtasks of the checkpoint, where key groups come from them, too.
  std::vector<const TaskSnapshotData*> restored_others;
  /// By the operators' uids: operator state of all subtasks of the checkpoint.
  std::map<std::string, OperatorStateParts> operator_states = {};
};

/// Makes the keyed state of an operator in a subtask. Errors: of the local disk, naming it.
using KeyedStateFactory = std::function<absl::StatusOr<std::unique_ptr<KeyedStateBackend>>(
    KeyedStateBackend::Options options, const std::string& operator_uid, SubtaskId subtask)>;

/// What every task of a generation has around it; all of it outlives the task.
struct TaskEnvironment {
  const Clock& clock;
  TaskObserver& observer;
  BlockingPool& pool;
  SinkIdentity sink_identity;  // without the sink's uid
  Generation generation;
  KeyedStateFactory keyed_state = nullptr;  // none: in memory
};

/// Makes operators, reader and writers out of the graph; opens nothing. The graph need not outlive
/// the task.
/// Errors: FAILED_PRECONDITION when the description does not fit the graph (another plan), and what
/// connectors return.
absl::StatusOr<std::shared_ptr<Task>> BuildTask(const StreamGraph& graph,
                                                TaskDescription description,
                                                const TaskEnvironment& environment);

}  // namespace weir::taskmanager
