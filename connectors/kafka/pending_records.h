#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "common/connector/source_metrics.h"
#include "common/exec/mutex.h"

namespace weir::kafka {

/// How far a reader is behind the ends of its partitions, by split. The reader sets it per batch.
class PendingRecordCounts final : public SourceMetrics {
 public:
  void Set(const std::string& split, int64_t pending);
  std::map<std::string, int64_t> PendingRecords() const override;

 private:
  mutable Mutex mutex_;
  std::map<std::string, int64_t> pending_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::kafka
