#include "taskmanager/task/watched_call.h"

#include "absl/strings/str_cat.h"

namespace weir::taskmanager {

std::string PositionOf(const Batch* batch, uint32_t row) {
  if (batch == nullptr || batch->num_rows() == 0 || batch->provenance() == nullptr) return "";
  const Provenance& provenance = *batch->provenance();
  if (row < batch->num_rows()) return provenance.Describe(row);
  std::string text = provenance.Describe(0);
  const int64_t last = provenance.OffsetOf(batch->num_rows() - 1);
  if (last >= 0 && batch->num_rows() > 1) absl::StrAppend(&text, " to offset ", last);
  return text;
}

std::string WatchedCall::Position() const {
  MutexLock lock(mutex_);
  if (batch_ == nullptr) return "";
  return PositionOf(batch_, row_->load(std::memory_order_relaxed));
}

CallScope::CallScope(WatchedCall& watched, const std::string& operator_name, const Batch* batch)
    : call_(ThisThreadsCall()),
      watched_(watched),
      outer_name_(call_.operator_name.load(std::memory_order_relaxed)),
      outer_batch_(call_.batch.load(std::memory_order_relaxed)),
      outer_row_(call_.row.load(std::memory_order_relaxed)) {
  call_.row.store(CurrentCall::kNoRow, std::memory_order_relaxed);
  call_.batch.store(batch, std::memory_order_relaxed);
  call_.operator_name.store(&operator_name, std::memory_order_relaxed);
  MutexLock lock(watched_.mutex_);
  watched_.batch_ = batch;
  watched_.row_ = &call_.row;
}

CallScope::~CallScope() {
  call_.operator_name.store(outer_name_, std::memory_order_relaxed);
  call_.batch.store(outer_batch_, std::memory_order_relaxed);
  call_.row.store(outer_row_, std::memory_order_relaxed);
  MutexLock lock(watched_.mutex_);
  watched_.batch_ = outer_batch_;
}

}  // namespace weir::taskmanager
