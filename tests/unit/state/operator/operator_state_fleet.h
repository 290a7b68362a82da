#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "state/operator/operator_state_backend.h"

namespace weir {

inline std::shared_ptr<const std::string> SharedObject(const std::string& object) {
  return object.empty() ? nullptr : std::make_shared<const std::string>(object);
}

/// A checkpoint of the subtasks of one operator, as a restore sees it.
inline OperatorStateParts PartsOf(const std::vector<OperatorStateObjects>& written) {
  OperatorStateParts parts;
  for (const OperatorStateObjects& one : written) {
    parts.push_back({SharedObject(one.lists), SharedObject(one.union_lists),
                     SharedObject(one.broadcast), one.list_sizes});
  }
  return parts;
}

/// The backends of all subtasks of one operator, over checkpoints and parallelisms.
class OperatorStateFleet {
 public:
  explicit OperatorStateFleet(uint32_t parallelism) { (void)Start(parallelism, {}); }

  OperatorStateBackend& operator[](size_t index) { return *backends_[index]; }
  size_t size() const { return backends_.size(); }
  std::vector<OperatorStateObjects> Write() const {
    std::vector<OperatorStateObjects> written;
    for (const auto& backend : backends_) {
      const auto frozen = backend->Freeze();
      written.push_back(frozen == nullptr ? OperatorStateObjects() : frozen->Write());
    }
    return written;
  }
  /// Of the state as it is now; the old backends are gone.
  absl::Status Rescale(uint32_t parallelism) { return Start(parallelism, PartsOf(Write())); }
  absl::Status Start(uint32_t parallelism, const OperatorStateParts& parts) {
    backends_.clear();
    absl::Status status;
    for (uint32_t index = 0; index < parallelism; ++index) {
      status.Update(backends_.emplace_back(std::make_unique<OperatorStateBackend>())
                        ->Restore(parts, {index, parallelism}));
    }
    return status;
  }

 private:
  std::vector<std::unique_ptr<OperatorStateBackend>> backends_;
};

}  // namespace weir
