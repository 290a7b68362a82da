#include "connectors/kafka/pending_records.h"

namespace weir::kafka {

void PendingRecordCounts::Set(const std::string& split, int64_t pending) {
  MutexLock lock(mutex_);
  pending_[split] = pending;
}

std::map<std::string, int64_t> PendingRecordCounts::PendingRecords() const {
  MutexLock lock(mutex_);
  return pending_;
}

}  // namespace weir::kafka
