#pragma once

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "proto/checkpoint.pb.h"
#include "taskmanager/task/task_snapshot.h"

namespace weir::taskmanager {

/// A split as the checkpoint formats write it, and back.
proto::SplitState ToProto(const SourceSplit& split);
SourceSplit FromProto(const proto::SplitState& split);

/// Inlined, with its size and SHA-256.
proto::StateObject InlinedObject(std::string bytes);

/// The snapshot with all state inlined, its size and SHA-256 filled in. Whoever wants large states
/// in blobs moves them out afterwards. What is still to be written is not in it.
proto::TaskSnapshot ToProto(SubtaskId subtask, const TaskSnapshotData& snapshot);

/// DATA_LOSS, naming the operator, when the inlined state does not match its SHA-256;
/// FAILED_PRECONDITION when a state still lies in a blob: load blobs into `inlined` before.
absl::StatusOr<TaskSnapshotData> FromProto(const proto::TaskSnapshot& snapshot);

/// The sizes of lists, and back.
void SetListSizes(const ListSizes& sizes, proto::OperatorStateSnapshot* snapshot);
ListSizes ListSizesOf(const proto::OperatorStateSnapshot& snapshot);

}  // namespace weir::taskmanager
