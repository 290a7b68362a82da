#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/operator/partitioning.h"
#include "common/types/record.h"
#include "weir/function_traits.h"

namespace weir::internal {

/// A job author's function that says which subtask gets a row, one loop per batch.
template <RowType T, class F>
class FunctionPartitioner final : public RowPartitioner {
 public:
  explicit FunctionPartitioner(F function) : function_(std::move(function)) {}

  absl::Status Partition(const Batch& batch, uint32_t subtasks,
                         std::vector<uint32_t>& targets) const override {
    const RecordReader<T> reader(batch);
    F function = function_;
    CurrentCall& call = ThisThreadsCall();
    targets.reserve(targets.size() + reader.rows());
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      targets.push_back(static_cast<uint32_t>(CallWithRow<T>(function, reader, row, subtasks)));
    }
    call.ClearRow();
    return absl::OkStatus();
  }

 private:
  const F function_;
};

}  // namespace weir::internal
