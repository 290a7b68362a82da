#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/status/status.h"

#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transactional_producer.h"

namespace weir::kafka {

/// What one transaction was given and what the broker acknowledged, and where: a transaction is
/// prepared only when both agree. The first failure is sticky.
///
/// Threads: that of the producer's owner.
class TransactionAccounts final : public TransactionDeliveryListener {
 public:
  void Sent(size_t messages, size_t bytes);
  void OnDelivered(const DeliveredRun& run) override;
  void OnFailed(size_t bytes, const absl::Status& error) override;

  /// OK when something was sent, and all of it is acknowledged.
  absl::Status CheckComplete() const;

  const absl::Status& error() const { return error_; }
  uint64_t sent() const { return sent_; }
  size_t outstanding_messages() const { return outstanding_messages_; }
  size_t outstanding_bytes() const { return outstanding_bytes_; }
  const std::map<int32_t, WrittenRange>& ranges() const { return ranges_; }

 private:
  absl::Status error_;
  uint64_t sent_ = 0;
  uint64_t acknowledged_ = 0;
  size_t outstanding_messages_ = 0;
  size_t outstanding_bytes_ = 0;
  std::map<int32_t, WrittenRange> ranges_;
};

}  // namespace weir::kafka
