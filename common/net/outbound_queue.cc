#include "common/net/outbound_queue.h"

#include "absl/strings/str_cat.h"

#include "common/base/bytes_format.h"
#include "common/net/message_stream.h"

namespace weir {

absl::Status OutboundQueue::Push(proto::Envelope message) {
  const size_t bytes = message.ByteSizeLong();
  if (bytes > kMaxMessageBytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a control message of ", FormatBytes(bytes),
                                                     " is larger than the allowed ",
                                                     FormatBytes(kMaxMessageBytes)));
  }
  if (bytes_ + bytes > max_bytes_) {
    return absl::ResourceExhaustedError(
        absl::StrCat(FormatBytes(bytes_), " of control messages wait to be sent, the bound is ",
                     FormatBytes(max_bytes_), ": the other side does not read"));
  }
  bytes_ += bytes;
  messages_.push_back({std::move(message), bytes});
  return absl::OkStatus();
}

void OutboundQueue::Pop() {
  bytes_ -= messages_.front().bytes;
  messages_.pop_front();
}

void OutboundQueue::DropWaiting() {
  while (messages_.size() > 1) {
    bytes_ -= messages_.back().bytes;
    messages_.pop_back();
  }
}

}  // namespace weir
