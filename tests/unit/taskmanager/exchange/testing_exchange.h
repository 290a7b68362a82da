#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/types/record.h"
#include "taskmanager/exchange/frame_codec.h"
#include "taskmanager/exchange/frame_header.h"
#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

inline BatchPtr NumbersBatch(const std::vector<int64_t>& values) {
  RecordBuilder<int64_t> builder;
  for (const int64_t value : values) builder.Append(value);
  return std::make_shared<const Batch>(builder.Finish());
}

/// So many rows that count up from `first`.
inline BatchPtr CountingBatch(int64_t first, size_t rows) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < rows; ++i) values.push_back(first + static_cast<int64_t>(i));
  return NumbersBatch(values);
}

inline SchemaPtr NumbersSchema() { return NumbersBatch({})->schema(); }

/// Batches that follow each other are one, watermarks too: what a channel may join or cut.
inline std::string TextOf(const std::vector<ChannelElement>& elements) {
  std::string text;
  std::string watermark;
  bool in_batch = false;
  const auto flush = [&] { text += std::exchange(watermark, ""); };
  for (const ChannelElement& element : elements) {
    if (const auto* batch = std::get_if<BatchPtr>(&element)) {
      flush();
      if (!in_batch) text += " batch";
      for (size_t i = 0; i < (*batch)->num_rows(); ++i) {
        absl::StrAppend(&text, ",", (*batch)->column(0).int64s()[i]);
      }
      in_batch = true;
      continue;
    }
    in_batch = false;
    if (const auto* time = std::get_if<EventTime>(&element)) {
      watermark = absl::StrCat(" watermark ", time->micros());
      continue;
    }
    flush();
    if (const auto* status = std::get_if<StreamStatus>(&element)) {
      text += status->idle ? " idle" : " active";
      continue;
    }
    if (const auto* barrier = std::get_if<Barrier>(&element)) {
      absl::StrAppend(&text, " barrier ", barrier->epoch.value(), "/", barrier->attempt.value(),
                      barrier->final ? " final" : "", barrier->suspends ? " suspends" : "");
    } else {
      text += " end";
    }
  }
  flush();
  return text;
}

/// The bytes of one frame, as it travels.
inline std::string FrameText(const FrameHeader& header, const ChannelElement& element) {
  std::vector<Buffer> message;
  AppendFrame(header, &element, &message);
  std::string text;
  for (const Buffer& buffer : message) {
    text.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  }
  return text;
}

inline absl::StatusOr<ChannelElement> DecodeText(const std::string& text, const SchemaPtr& schema) {
  const size_t cut = text.size() / 2;
  const std::vector<absl::string_view> pieces = {absl::string_view(text).substr(0, cut),
                                                 absl::string_view(text).substr(cut)};
  MessageCursor cursor(pieces);
  absl::StatusOr<FrameHeader> header = cursor.ReadHeader();
  if (!header.ok()) return header.status();
  return DecodeFrame(*header, schema, cursor.CopyPayload(*header));
}

}  // namespace weir::taskmanager
