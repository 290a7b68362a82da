#include "connectors/kafka/delivery_accounts.h"

#include <utility>

#include "common/base/check.h"

namespace weir::kafka {

void DeliveryAccounts::Sent(size_t messages, size_t bytes) {
  accounts_.back().sent += messages;
  outstanding_messages_ += messages;
  outstanding_bytes_ += bytes;
}

DeliveryAccounts::Account* DeliveryAccounts::Find(uint64_t account) {
  WEIR_CHECK(account >= first_ && account - first_ < accounts_.size())
      << "report for account " << account << ", open are " << first_ << " to " << current();
  return &accounts_[account - first_];
}

void DeliveryAccounts::OnDelivered(uint64_t account, size_t messages, size_t bytes) {
  Account* entry = Find(account);
  entry->acknowledged += messages;
  WEIR_CHECK(entry->acknowledged <= entry->sent)
      << entry->acknowledged << " acknowledged, " << entry->sent << " sent";
  outstanding_messages_ -= messages;
  outstanding_bytes_ -= bytes;
  acknowledged_messages_ += messages;
}

void DeliveryAccounts::OnFailed(uint64_t account, size_t bytes, const absl::Status& error) {
  Find(account);
  --outstanding_messages_;
  outstanding_bytes_ -= bytes;
  Fail(error);
}

void DeliveryAccounts::Fail(const absl::Status& error) {
  if (error_.ok()) error_ = error;
}

void DeliveryAccounts::Close(Done done) {
  accounts_.back().done = std::move(done);
  accounts_.emplace_back();
  Settle();
}

void DeliveryAccounts::Settle() {
  if (!error_.ok()) {
    // Accounts stay: more reports may come for them.
    for (size_t i = 0; i < accounts_.size(); ++i) {
      Done done = std::exchange(accounts_[i].done, nullptr);
      if (done) done(error_);
    }
    return;
  }
  while (accounts_.size() > 1 && accounts_.front().sent == accounts_.front().acknowledged) {
    Done done = std::move(accounts_.front().done);
    accounts_.pop_front();
    ++first_;
    done(absl::OkStatus());
  }
}

}  // namespace weir::kafka
