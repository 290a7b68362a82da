#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "common/connector/sink_metrics.h"
#include "common/exec/mutex.h"
#include "common/time/clock.h"
#include "connectors/kafka/transactional/transaction_slot.h"

namespace weir::kafka {

/// What one TransactionalWriter counts. The writer sets it as things happen; ages are taken when it
/// is read, so that they grow while the writer stands still.
class TransactionMetrics final : public SinkMetrics {
 public:
  static constexpr size_t kSlotStates = 7;
  using SlotCounts = std::array<size_t, kSlotStates>;  // by TransactionSlot::State

  /// `clock` outlives it.
  explicit TransactionMetrics(const Clock& clock) : clock_(clock) {}

  void SetTimeout(absl::Duration timeout);
  /// `oldest_begun_at`: of the transactions that are not committed, by the monotonic clock.
  void SetSlots(const SlotCounts& slots, std::optional<absl::Duration> oldest_begun_at);
  /// A permit was carried out.
  void OnCommitted(size_t transactions, absl::Duration latency);

  std::map<std::string, double> Read() const override;

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  absl::Duration timeout_ WEIR_GUARDED_BY(mutex_);
  SlotCounts slots_ WEIR_GUARDED_BY(mutex_) = {};
  std::optional<absl::Duration> oldest_begun_at_ WEIR_GUARDED_BY(mutex_);
  uint64_t committed_ WEIR_GUARDED_BY(mutex_) = 0;
  absl::Duration last_latency_ WEIR_GUARDED_BY(mutex_);
  absl::Duration max_latency_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir::kafka
