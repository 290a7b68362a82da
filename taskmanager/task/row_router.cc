#include "taskmanager/task/row_router.h"

#include <algorithm>
#include <exception>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/failure_policy.h"
#include "common/base/status_macros.h"

namespace weir::taskmanager {
namespace {

/// Calls a function of the author's that runs where the operator before runs: its errors would be
/// taken for that operator's. What is no std::exception is left to the border of the task.
template <class Call>
absl::Status CallFunctionOf(absl::string_view what, const Call& call) {
  try {
    return call();
  } catch (const std::exception& error) {
    return absl::UnknownError(absl::StrCat("the function of ", what, " threw: ", error.what()));
  }
}

class HashRouter final : public RowRouter {
 public:
  HashRouter(std::shared_ptr<const KeySelector> key, std::vector<uint32_t> subtask_of_group)
      : key_(std::move(key)), subtask_of_group_(std::move(subtask_of_group)) {}

  absl::Status Route(const Batch& batch, std::vector<uint32_t>& targets) override {
    const size_t begin = targets.size();
    const auto groups = static_cast<uint32_t>(subtask_of_group_.size());
    WEIR_RETURN_IF_ERROR(
        CallFunctionOf("KeyBy", [&] { return key_->KeyGroups(batch, groups, targets); }));
    for (size_t i = begin; i < targets.size(); ++i) targets[i] = subtask_of_group_[targets[i]];
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<const KeySelector> key_;
  const std::vector<uint32_t> subtask_of_group_;
};

// Batches are of unequal sizes, and may be so in a rhythm: a reader of two partitions of which one
// has nearly all has a large one and a small one in turn. So each goes to whom has got the fewest
// rows, and the turn decides between equals.
class RebalanceRouter final : public RowRouter {
 public:
  RebalanceRouter(uint32_t subtasks, uint32_t first) : rows_(subtasks), next_(first % subtasks) {}

  absl::Status Route(const Batch& batch, std::vector<uint32_t>& targets) override {
    const auto subtasks = static_cast<uint32_t>(rows_.size());
    uint32_t target = next_;
    for (uint32_t i = 1; i < subtasks; ++i) {
      const uint32_t other = (next_ + i) % subtasks;
      if (rows_[other] < rows_[target]) target = other;
    }
    rows_[target] += batch.num_rows();
    next_ = (target + 1) % subtasks;
    targets.insert(targets.end(), batch.num_rows(), target);
    return absl::OkStatus();
  }

 private:
  std::vector<uint64_t> rows_;  // of each subtask, so far
  uint32_t next_;
};

class CustomRouter final : public RowRouter {
 public:
  CustomRouter(std::shared_ptr<const RowPartitioner> partitioner, uint32_t subtasks)
      : partitioner_(std::move(partitioner)), subtasks_(subtasks) {}

  absl::Status Route(const Batch& batch, std::vector<uint32_t>& targets) override {
    const size_t begin = targets.size();
    WEIR_RETURN_IF_ERROR(CallFunctionOf(
        "PartitionCustom", [&] { return partitioner_->Partition(batch, subtasks_, targets); }));
    for (size_t i = begin; i < targets.size(); ++i) {
      if (targets[i] < subtasks_) continue;
      return WithFailurePolicy(
          absl::InvalidArgumentError(
              absl::StrCat("the partitioner named subtask ", targets[i], " of ", subtasks_)),
          FailurePolicy::kFailJob);
    }
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<const RowPartitioner> partitioner_;
  const uint32_t subtasks_;
};

}  // namespace

std::unique_ptr<RowRouter> MakeHashRouter(std::shared_ptr<const KeySelector> key,
                                          std::vector<uint32_t> subtask_of_group) {
  return std::make_unique<HashRouter>(std::move(key), std::move(subtask_of_group));
}

std::unique_ptr<RowRouter> MakeRebalanceRouter(uint32_t subtasks, uint32_t first) {
  return std::make_unique<RebalanceRouter>(subtasks, first);
}

std::unique_ptr<RowRouter> MakeCustomRouter(std::shared_ptr<const RowPartitioner> partitioner,
                                            uint32_t subtasks) {
  return std::make_unique<CustomRouter>(std::move(partitioner), subtasks);
}

std::vector<RoutedBatch> SplitByTarget(const BatchPtr& batch, const std::vector<uint32_t>& targets,
                                       uint32_t subtasks) {
  std::vector<RoutedBatch> routed;
  if (targets.empty()) return routed;
  if (std::all_of(targets.begin(), targets.end(),
                  [&](uint32_t target) { return target == targets.front(); })) {
    routed.push_back({targets.front(), batch});
    return routed;
  }
  // A counting sort of the rows by their targets.
  std::vector<uint32_t> end_of(subtasks + 1, 0);
  for (const uint32_t target : targets) ++end_of[target + 1];
  for (uint32_t target = 0; target < subtasks; ++target) end_of[target + 1] += end_of[target];
  std::vector<uint32_t> rows(targets.size());
  std::vector<uint32_t> next(end_of.begin(), end_of.end() - 1);
  for (uint32_t row = 0; row < targets.size(); ++row) rows[next[targets[row]]++] = row;
  for (uint32_t target = 0; target < subtasks; ++target) {
    const uint32_t begin = end_of[target];
    const uint32_t count = end_of[target + 1] - begin;
    if (count == 0) continue;
    routed.push_back({target, std::make_shared<const Batch>(batch->Take(
                                  std::span<const uint32_t>(rows).subspan(begin, count)))});
  }
  return routed;
}

}  // namespace weir::taskmanager
