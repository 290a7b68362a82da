#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "common/types/buffer.h"
#include "taskmanager/exchange/channel_id.h"

namespace weir::taskmanager {

enum class FrameKind : uint8_t {
  kBatch = 1,
  kWatermark = 2,
  kBarrier = 3,
  kEndOfInput = 4,
  kStreamStatus = 5,
  kBacklog = 6,  // no element: tells `pushed_bytes`
};

/// What every frame begins with (docs/protocols/exchange.md).
struct FrameHeader {
  FrameKind kind = FrameKind::kBacklog;
  uint64_t frame_bytes = 0;  // with the header; a multiple of 8
  LinkIdentity link;
  ChannelId channel;
  uint64_t sequence = 0;
  uint64_t pushed_bytes = 0;
};

constexpr size_t kFrameHeaderBytes = 72;
constexpr size_t kFrameAlignment = 8;

constexpr size_t AlignFrame(size_t bytes) {
  return (bytes + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

void WriteFrameHeader(const FrameHeader& header, uint8_t* out);

/// Reads one message, which may lie in several pieces of memory, from its front.
///
/// Threads: one. Lifetime: borrows the pieces.
class MessageCursor {
 public:
  explicit MessageCursor(std::span<const absl::string_view> pieces);

  size_t left() const { return left_; }
  bool done() const { return left_ == 0; }

  /// DATA_LOSS unless a whole frame of a known version follows.
  absl::StatusOr<FrameHeader> ReadHeader();
  /// What is behind the header of a frame, copied to one block that is aligned for all types.
  Buffer CopyPayload(const FrameHeader& header);
  void SkipPayload(const FrameHeader& header);

 private:
  void Take(size_t bytes, uint8_t* out);  // out may be null: skip

  std::span<const absl::string_view> pieces_;
  size_t piece_ = 0;
  size_t position_ = 0;  // in the piece
  size_t left_ = 0;
};

}  // namespace weir::taskmanager
