#include "taskmanager/exchange/frame_header.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir::taskmanager {
namespace {

constexpr uint32_t kMagic = 0x31465857;  // "WXF1"
constexpr uint16_t kVersion = 1;

// As it travels; Weir runs on little-endian machines (stable_hash.h checks).
struct WireHeader {
  uint32_t magic;
  uint16_t version;
  uint8_t kind;
  uint8_t zero;
  uint64_t frame_bytes;
  uint64_t generation;
  uint64_t sender;
  uint64_t receiver;
  uint64_t edge;
  uint32_t from;
  uint32_t to;
  uint64_t sequence;
  uint64_t pushed_bytes;
};
static_assert(sizeof(WireHeader) == kFrameHeaderBytes);

}  // namespace

void WriteFrameHeader(const FrameHeader& header, uint8_t* out) {
  const WireHeader wire = {kMagic,
                           kVersion,
                           static_cast<uint8_t>(header.kind),
                           0,
                           header.frame_bytes,
                           header.link.generation.value(),
                           header.link.sender,
                           header.link.receiver,
                           header.channel.edge,
                           header.channel.from,
                           header.channel.to,
                           header.sequence,
                           header.pushed_bytes};
  std::memcpy(out, &wire, sizeof(wire));
}

MessageCursor::MessageCursor(std::span<const absl::string_view> pieces) : pieces_(pieces) {
  for (const absl::string_view piece : pieces) left_ += piece.size();
}

absl::StatusOr<FrameHeader> MessageCursor::ReadHeader() {
  if (left_ < kFrameHeaderBytes) {
    return absl::DataLossError(
        absl::StrCat("a message of the exchange ends with ", left_, " bytes that are no frame"));
  }
  WireHeader wire;
  Take(sizeof(wire), reinterpret_cast<uint8_t*>(&wire));
  if (wire.magic != kMagic || wire.version != kVersion) {
    return absl::DataLossError(
        absl::StrCat("a frame of the exchange begins with ", absl::Hex(wire.magic), " version ",
                     wire.version, " instead of ", absl::Hex(kMagic), " version ", kVersion));
  }
  FrameHeader header;
  header.kind = static_cast<FrameKind>(wire.kind);
  header.frame_bytes = wire.frame_bytes;
  header.link = {Generation(wire.generation), wire.sender, wire.receiver};
  header.channel = {wire.edge, wire.from, wire.to};
  header.sequence = wire.sequence;
  header.pushed_bytes = wire.pushed_bytes;
  if (header.frame_bytes < kFrameHeaderBytes || header.frame_bytes % kFrameAlignment != 0 ||
      header.frame_bytes - kFrameHeaderBytes > left_) {
    return absl::DataLossError(absl::StrCat(header.channel.ToString(),
                                            ": a frame says that it has ", header.frame_bytes,
                                            " bytes, the message has ", left_ + kFrameHeaderBytes));
  }
  return header;
}

Buffer MessageCursor::CopyPayload(const FrameHeader& header) {
  const size_t bytes = header.frame_bytes - kFrameHeaderBytes;
  auto* const block = static_cast<uint8_t*>(std::malloc(std::max<size_t>(bytes, 1)));
  WEIR_CHECK(block != nullptr) << "out of memory for a frame of " << bytes << " bytes";
  Buffer payload = Buffer::AdoptMalloc(block, bytes);
  Take(bytes, block);
  return payload;
}

void MessageCursor::SkipPayload(const FrameHeader& header) {
  Take(header.frame_bytes - kFrameHeaderBytes, nullptr);
}

void MessageCursor::Take(size_t bytes, uint8_t* out) {
  WEIR_CHECK(bytes <= left_);
  left_ -= bytes;
  while (bytes > 0) {
    const absl::string_view piece = pieces_[piece_];
    const size_t part = std::min(bytes, piece.size() - position_);
    if (out != nullptr && part > 0) {
      std::memcpy(out, piece.data() + position_, part);
      out += part;
    }
    bytes -= part;
    position_ += part;
    if (position_ == piece.size()) {
      ++piece_;
      position_ = 0;
    }
  }
}

}  // namespace weir::taskmanager
