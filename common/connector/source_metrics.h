#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace weir {

/// What a source's reader counts about itself.
/// Threads: any. Ownership: shared; it may outlive the reader.
class SourceMetrics {
 public:
  virtual ~SourceMetrics() = default;
  /// By the id of the split: records between its position and its end, as far as the reader knows;
  /// splits of which it knows nothing are missing.
  virtual std::map<std::string, int64_t> PendingRecords() const = 0;
};

}  // namespace weir
