#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"

#include "common/operator/partitioning.h"
#include "common/types/batch.h"

namespace weir::taskmanager {

/// Deals the rows of a task's output out to the subtasks that read it.
///
/// Threads: the task's. Errors: those of a function of the author's; INTERNAL when it names a
/// subtask that is not there.
class RowRouter {
 public:
  virtual ~RowRouter() = default;
  /// Appends the number of a subtask for every row.
  virtual absl::Status Route(const Batch& batch, std::vector<uint32_t>& targets) = 0;
};

/// `subtask_of_group`: who owns each key group; its size is the job's maximum parallelism.
std::unique_ptr<RowRouter> MakeHashRouter(std::shared_ptr<const KeySelector> key,
                                          std::vector<uint32_t> subtask_of_group);
/// Batch by batch, each to a subtask that has got the fewest rows; in turn, from `first` on, where
/// they are equal.
std::unique_ptr<RowRouter> MakeRebalanceRouter(uint32_t subtasks, uint32_t first);
std::unique_ptr<RowRouter> MakeCustomRouter(std::shared_ptr<const RowPartitioner> partitioner,
                                            uint32_t subtasks);

/// The rows of a batch for one subtask; the batch itself where all of them are.
struct RoutedBatch {
  uint32_t target = 0;
  BatchPtr batch;
};
/// In the order of the targets; within one, rows keep their order.
std::vector<RoutedBatch> SplitByTarget(const BatchPtr& batch, const std::vector<uint32_t>& targets,
                                       uint32_t subtasks);

}  // namespace weir::taskmanager
