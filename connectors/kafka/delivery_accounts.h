#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

#include "absl/status/status.h"

#include "connectors/kafka/kafka_client.h"

namespace weir::kafka {

/// Who was sent and who was acknowledged, between one barrier and the next: an account each. A
/// barrier is answered when every record written before it is acknowledged, so sent == acknowledged
/// or the epoch is not acknowledged. The first failure is sticky: it answers every barrier, open
/// and to come.
///
/// Threads: one at a time. Callbacks are called by Close and Settle, never by a report.
class DeliveryAccounts final : public DeliveryListener {
 public:
  using Done = std::function<void(const absl::Status&)>;

  /// The account that records are now sent under.
  uint64_t current() const { return first_ + accounts_.size() - 1; }
  void Sent(size_t messages, size_t bytes);

  void OnDelivered(uint64_t account, size_t messages, size_t bytes) override;
  void OnFailed(uint64_t account, size_t bytes, const absl::Status& error) override;
  /// Something else that keeps records from being delivered.
  void Fail(const absl::Status& error);

  /// The barrier: closes the current account. `done` is called when everything sent so far is
  /// acknowledged or something failed: at once, or by a later Settle.
  void Close(Done done);
  /// Answers the barriers whose records are acknowledged, in order; after a failure all of them.
  void Settle();

  const absl::Status& error() const { return error_; }
  size_t outstanding_messages() const { return outstanding_messages_; }
  size_t outstanding_bytes() const { return outstanding_bytes_; }
  uint64_t acknowledged_messages() const { return acknowledged_messages_; }

 private:
  struct Account {
    uint64_t sent = 0;
    uint64_t acknowledged = 0;
    Done done;  // set when closed
  };
  Account* Find(uint64_t account);

  std::deque<Account> accounts_ = {Account()};  // the last one is open
  uint64_t first_ = 1;
  absl::Status error_;
  size_t outstanding_messages_ = 0;
  size_t outstanding_bytes_ = 0;
  uint64_t acknowledged_messages_ = 0;
};

}  // namespace weir::kafka
