#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "common/base/ids.h"
#include "proto/control.pb.h"
#include "state/operator/operator_state_parts.h"

namespace weir::taskmanager {

/// Loads what the tasks of a worker need of a checkpoint's operator state: of lists the parts that
/// a task's share lies in, of union lists all, of broadcast state one
/// (docs/protocols/operator-state.md). Each object once for the worker.
///
/// Threads: one at a time; blocks with `fetch`. Lifetime: borrows the deployment.
class OperatorStateLoader {
 public:
  /// The bytes of an object in checkpoint storage, whose size and SHA-256 have been verified.
  using Fetch = std::function<absl::StatusOr<std::string>(const proto::StateObject& object)>;
  OperatorStateLoader(const proto::Deployment& deployment, Fetch fetch);

  /// By the operators' uids. DATA_LOSS, naming operator and subtask: an object that is inlined does
  /// not match its SHA-256; also what `fetch` returns.
  absl::StatusOr<std::map<std::string, OperatorStateParts>> Load(const SubtaskId& task);
  uint64_t loaded_bytes() const { return loaded_bytes_; }

 private:
  using Bytes = std::shared_ptr<const std::string>;

  absl::StatusOr<OperatorStateParts> LoadParts(const proto::OperatorStateParts& from,
                                               const SubtaskPlace& place);
  /// Null when there is none.
  absl::StatusOr<Bytes> Get(const proto::OperatorStateParts& from, size_t subtask,
                            const proto::StateObject& object);

  const proto::Deployment& deployment_;
  const Fetch fetch_;
  std::map<const proto::StateObject*, Bytes> loaded_;
  uint64_t loaded_bytes_ = 0;
};

}  // namespace weir::taskmanager
