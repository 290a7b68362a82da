// Any bytes as a message of the exchange: frames are taken apart and decoded without a crash, and a
// batch that is accepted comes back equal when it is sent again.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "taskmanager/exchange/frame_codec.h"
#include "taskmanager/exchange/frame_header.h"

namespace weir::taskmanager {
namespace {

const SchemaPtr& FuzzSchema() {
  static const SchemaPtr schema = Schema::Make({{"b", DataType::kBool, true},
                                                {"i", DataType::kInt32, false},
                                                {"l", DataType::kInt64, true},
                                                {"s", DataType::kString, true},
                                                {"raw", DataType::kBytes, false}});
  return schema;
}

absl::StatusOr<ChannelElement> DecodeOne(const std::string& text) {
  const std::vector<absl::string_view> pieces = {text};
  MessageCursor cursor(pieces);
  const absl::StatusOr<FrameHeader> header = cursor.ReadHeader();
  if (!header.ok()) return header.status();
  return DecodeFrame(*header, FuzzSchema(), cursor.CopyPayload(*header));
}

void SendAgain(const FrameHeader& header, const ChannelElement& element) {
  std::vector<Buffer> message;
  AppendFrame(header, &element, &message);
  std::string text;
  for (const Buffer& buffer : message) {
    text.append(reinterpret_cast<const char*>(buffer.data()), buffer.size());
  }
  const absl::StatusOr<ChannelElement> again = DecodeOne(text);
  WEIR_CHECK(again.ok()) << again.status().message();
  const auto* batch = std::get_if<BatchPtr>(&element);
  if (batch == nullptr) return;
  WEIR_CHECK(text.size() == BatchFrameBytes(**batch));
  for (size_t i = 0; i < (*batch)->num_columns(); ++i) {
    WEIR_CHECK(std::get<BatchPtr>(*again)->column(i).Equals((*batch)->column(i)));
  }
}

void Read(absl::string_view message) {
  const std::vector<absl::string_view> pieces = {message.substr(0, message.size() / 3),
                                                 message.substr(message.size() / 3)};
  MessageCursor cursor(pieces);
  while (!cursor.done()) {
    const absl::StatusOr<FrameHeader> header = cursor.ReadHeader();
    if (!header.ok()) return;
    const absl::StatusOr<ChannelElement> element =
        DecodeFrame(*header, FuzzSchema(), cursor.CopyPayload(*header));
    if (element.ok()) {
      SendAgain(*header, *element);
    } else {
      WEIR_CHECK(absl::IsDataLoss(element.status())) << element.status().message();
    }
  }
}

}  // namespace
}  // namespace weir::taskmanager

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  weir::taskmanager::Read({reinterpret_cast<const char*>(data), size});
  return 0;
}
