#include "taskmanager/exchange/frame_codec.h"

#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/types/column_builder.h"
#include "taskmanager/exchange/batch_layout.h"

namespace weir::taskmanager {
namespace {

// A smaller buffer is copied: an owner, a slice and an iovec of its own cost more.
constexpr size_t kLeastSharedBytes = 2048;

constexpr uint64_t kPeriodic = 0;
constexpr uint64_t kFinal = 1;
constexpr uint64_t kSuspends = 2;

uint64_t WireKind(const Barrier& barrier) {
  if (barrier.suspends) return kSuspends;
  return barrier.final ? kFinal : kPeriodic;
}

struct WireBarrier {
  uint64_t epoch;
  uint64_t attempt;
  uint64_t kind;
};

absl::Status Corrupt(const FrameHeader& header, absl::string_view what) {
  return absl::DataLossError(absl::StrCat(header.channel.ToString(), ": corrupt frame ",
                                          header.sequence, " of kind ",
                                          static_cast<int>(header.kind), ": ", what));
}

Buffer NewBlock(size_t bytes, uint8_t** out) {
  *out = static_cast<uint8_t*>(std::malloc(bytes));
  WEIR_CHECK(*out != nullptr) << "out of memory for " << bytes << " bytes of frames";
  return Buffer::AdoptMalloc(*out, bytes);
}

// Fixed payloads, all of 64-bit numbers.
template <class Payload>
void AppendFixed(FrameHeader header, FrameKind kind, const Payload& payload,
                 std::vector<Buffer>* message) {
  uint8_t* at = nullptr;
  header.kind = kind;
  header.frame_bytes = kFrameHeaderBytes + sizeof(payload);
  message->push_back(NewBlock(header.frame_bytes, &at));
  WriteFrameHeader(header, at);
  std::memcpy(at + kFrameHeaderBytes, &payload, sizeof(payload));
}

void AppendEmpty(FrameHeader header, FrameKind kind, std::vector<Buffer>* message) {
  uint8_t* at = nullptr;
  header.kind = kind;
  header.frame_bytes = kFrameHeaderBytes;
  message->push_back(NewBlock(header.frame_bytes, &at));
  WriteFrameHeader(header, at);
}

// Header, layout, small buffers and padding lie in one block, of which the message gets parts
// between the shared buffers.
void AppendBatch(FrameHeader header, const Batch& batch, std::vector<Buffer>* message) {
  const BatchLayout layout(batch);
  header.kind = FrameKind::kBatch;
  header.frame_bytes = kFrameHeaderBytes + layout.payload_bytes();
  size_t block_bytes = kFrameHeaderBytes + layout.directory_bytes();
  for (const Buffer& part : layout.parts()) {
    block_bytes += AlignFrame(part.size()) - (part.size() < kLeastSharedBytes ? 0 : part.size());
  }
  uint8_t* start = nullptr;
  const Buffer block = NewBlock(block_bytes, &start);
  uint8_t* at = start;
  uint8_t* unsent = start;
  WriteFrameHeader(header, at);
  at += kFrameHeaderBytes;
  layout.WriteDirectory(at);
  at += layout.directory_bytes();
  const auto flush = [&] {
    if (at == unsent) return;
    message->push_back(block.Slice(static_cast<size_t>(unsent - start),  //
                                   static_cast<size_t>(at - unsent)));
    unsent = at;
  };
  for (const Buffer& part : layout.parts()) {
    const size_t padding = AlignFrame(part.size()) - part.size();
    if (part.size() < kLeastSharedBytes) {
      if (part.size() > 0) std::memcpy(at, part.data(), part.size());
      at += part.size();
    } else {
      flush();
      message->push_back(part);
    }
    std::memset(at, 0, padding);
    at += padding;
  }
  flush();
  WEIR_DCHECK(at == start + block_bytes);
}

absl::StatusOr<ChannelElement> DecodeBatch(const FrameHeader& header, const SchemaPtr& schema,
                                           const Buffer& payload) {
  absl::StatusOr<Batch> batch = BatchLayout::Decode(schema, payload);
  if (!batch.ok()) {
    const absl::string_view what = batch.status().message();
    return Corrupt(header, what);
  }
  return ChannelElement(std::make_shared<const Batch>(*std::move(batch)));
}

}  // namespace

size_t BatchFrameBytes(const Batch& batch) {
  return kFrameHeaderBytes + BatchLayout(batch).payload_bytes();
}

void AppendFrame(FrameHeader header, const ChannelElement* element, std::vector<Buffer>* message) {
  if (element == nullptr) return AppendEmpty(header, FrameKind::kBacklog, message);
  if (const auto* batch = std::get_if<BatchPtr>(element)) {
    AppendBatch(header, **batch, message);
  } else if (const auto* watermark = std::get_if<EventTime>(element)) {
    AppendFixed(header, FrameKind::kWatermark, watermark->micros(), message);
  } else if (const auto* barrier = std::get_if<Barrier>(element)) {
    const WireBarrier wire = {barrier->epoch.value(), barrier->attempt.value(), WireKind(*barrier)};
    AppendFixed(header, FrameKind::kBarrier, wire, message);
  } else if (const auto* status = std::get_if<StreamStatus>(element)) {
    AppendFixed(header, FrameKind::kStreamStatus, uint64_t{status->idle}, message);
  } else {
    AppendEmpty(header, FrameKind::kEndOfInput, message);
  }
}

absl::StatusOr<ChannelElement> DecodeFrame(const FrameHeader& header, const SchemaPtr& schema,
                                           Buffer payload) {
  switch (header.kind) {
    case FrameKind::kBatch:
      return DecodeBatch(header, schema, payload);
    case FrameKind::kWatermark: {
      if (payload.size() != sizeof(int64_t)) return Corrupt(header, "a watermark has 8 bytes");
      return ChannelElement(EventTime::FromMicros(*payload.as<int64_t>()));
    }
    case FrameKind::kBarrier: {
      if (payload.size() != sizeof(WireBarrier)) return Corrupt(header, "a barrier has 24 bytes");
      const WireBarrier& wire = *payload.as<WireBarrier>();
      if (wire.kind > kSuspends) return Corrupt(header, "there is no such kind of barrier");
      return ChannelElement(Barrier{Epoch(wire.epoch), LeaderTerm(wire.attempt),
                                    wire.kind == kFinal, wire.kind == kSuspends});
    }
    case FrameKind::kEndOfInput:
      if (payload.size() != 0) return Corrupt(header, "an end of input has no bytes");
      return ChannelElement(EndOfInput());
    case FrameKind::kStreamStatus: {
      if (payload.size() != sizeof(uint64_t)) return Corrupt(header, "a status has 8 bytes");
      const uint64_t idle = *payload.as<uint64_t>();
      if (idle > 1) return Corrupt(header, "a stream is idle or it is not");
      return ChannelElement(StreamStatus{idle == 1});
    }
    case FrameKind::kBacklog:
      break;
  }
  return Corrupt(header, "there is no element of this kind");
}

}  // namespace weir::taskmanager
