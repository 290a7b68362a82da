#pragma once

#include <vector>

#include "proto/checkpoint.pb.h"

namespace weir {

/// The objects of an operator's snapshot that are written anew for each checkpoint: its state, and
/// its operator state. The files of keyed state, which checkpoints share, are not among them.
std::vector<const proto::StateObject*> OwnObjects(const proto::OperatorSnapshot& snapshot);
std::vector<proto::StateObject*> MutableOwnObjects(proto::OperatorSnapshot* snapshot);

}  // namespace weir
