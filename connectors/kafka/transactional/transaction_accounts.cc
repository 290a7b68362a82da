#include "connectors/kafka/transactional/transaction_accounts.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir::kafka {

void TransactionAccounts::Sent(size_t messages, size_t bytes) {
  sent_ += messages;
  outstanding_messages_ += messages;
  outstanding_bytes_ += bytes;
}

void TransactionAccounts::OnDelivered(const DeliveredRun& run) {
  acknowledged_ += run.messages;
  WEIR_CHECK(acknowledged_ <= sent_) << acknowledged_ << " acknowledged, " << sent_ << " sent";
  outstanding_messages_ -= run.messages;
  outstanding_bytes_ -= run.bytes;
  const auto [entry, added] = ranges_.try_emplace(run.partition);
  WrittenRange& range = entry->second;
  range.first_offset = added ? run.first_offset : std::min(range.first_offset, run.first_offset);
  range.last_offset = std::max(range.last_offset, run.last_offset);
  range.count += run.messages;
  range.checksum += run.checksum;
}

void TransactionAccounts::OnFailed(size_t bytes, const absl::Status& error) {
  --outstanding_messages_;
  outstanding_bytes_ -= bytes;
  if (error_.ok()) error_ = error;
}

absl::Status TransactionAccounts::CheckComplete() const {
  if (!error_.ok()) return error_;
  uint64_t located = 0;
  for (const auto& [partition, range] : ranges_) located += range.count;
  if (sent_ == 0 || sent_ != acknowledged_ || located != sent_) {
    return absl::InternalError(absl::StrCat(sent_, " records were sent, ", acknowledged_,
                                            " acknowledged, and ", located, " have an offset"));
  }
  return absl::OkStatus();
}

}  // namespace weir::kafka
