#include "connectors/kafka/transactional/transaction_metrics.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace weir::kafka {
namespace {

// In the order of TransactionSlot::State.
constexpr const char* kSlotNames[TransactionMetrics::kSlotStates] = {
    "Warming", "Ready", "Open", "Preparing", "Prepared", "Committing", "Committed"};
static_assert(static_cast<size_t>(TransactionSlot::State::kCommitted) + 1 ==
              TransactionMetrics::kSlotStates);

}  // namespace

void TransactionMetrics::SetTimeout(absl::Duration timeout) {
  MutexLock lock(mutex_);
  timeout_ = timeout;
}

void TransactionMetrics::SetSlots(const SlotCounts& slots,
                                  std::optional<absl::Duration> oldest_begun_at) {
  MutexLock lock(mutex_);
  slots_ = slots;
  oldest_begun_at_ = oldest_begun_at;
}

void TransactionMetrics::OnCommitted(size_t transactions, absl::Duration latency) {
  MutexLock lock(mutex_);
  committed_ += transactions;
  last_latency_ = latency;
  max_latency_ = std::max(max_latency_, latency);
}

std::map<std::string, double> TransactionMetrics::Read() const {
  MutexLock lock(mutex_);
  std::map<std::string, double> values;
  if (timeout_ <= absl::ZeroDuration()) return values;  // not opened yet
  const absl::Duration age =
      oldest_begun_at_.has_value()
          ? std::max(clock_.Monotonic() - *oldest_begun_at_, absl::ZeroDuration())
          : absl::ZeroDuration();
  values["oldestPendingTransactionAgeMs"] = absl::ToDoubleMilliseconds(age);
  values["oldestPendingTransactionTimeoutRatio"] = absl::FDivDuration(age, timeout_);
  values["transactionTimeoutMs"] = absl::ToDoubleMilliseconds(timeout_);
  values["committedTransactions"] = static_cast<double>(committed_);
  values["lastCommitLatencyMs"] = absl::ToDoubleMilliseconds(last_latency_);
  values["maxCommitLatencyMs"] = absl::ToDoubleMilliseconds(max_latency_);
  for (size_t state = 0; state < kSlotStates; ++state) {
    values[absl::StrCat("transactionSlots", kSlotNames[state])] =
        static_cast<double>(slots_[state]);
  }
  return values;
}

}  // namespace weir::kafka
