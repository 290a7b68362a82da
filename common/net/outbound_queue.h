#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/status/status.h"

#include "proto/control.pb.h"

namespace weir {

/// Messages that wait to be sent, bounded in bytes. The one being sent stays at the front and
/// counts until Pop. Not locked: the stream that owns it does that.
class OutboundQueue {
 public:
  explicit OutboundQueue(size_t max_bytes) : max_bytes_(max_bytes) {}

  /// RESOURCE_EXHAUSTED naming the bound: the message is larger than kMaxMessageBytes, or the
  /// reader on the other side is too slow.
  absl::Status Push(proto::Envelope message);

  bool empty() const { return messages_.empty(); }
  const proto::Envelope& front() const { return messages_.front().message; }
  void Pop();
  /// Drops all but the front one.
  void DropWaiting();
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    proto::Envelope message;
    size_t bytes;
  };

  const size_t max_bytes_;
  std::deque<Entry> messages_;
  size_t bytes_ = 0;
};

}  // namespace weir
