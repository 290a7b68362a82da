#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/types/record.h"
#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

/// Elements as words: "row 3", "wm 5", "last wm", "barrier 1", "idle", "active", "end". Of a batch
/// the first value.
inline std::string WordOf(const ChannelElement& element) {
  if (const BatchPtr* batch = std::get_if<BatchPtr>(&element)) {
    return absl::StrCat("row ", RecordReader<int64_t>(**batch).View(0));
  }
  if (const EventTime* watermark = std::get_if<EventTime>(&element)) {
    return *watermark == EventTime::Max() ? "last wm" : absl::StrCat("wm ", watermark->micros());
  }
  if (const Barrier* barrier = std::get_if<Barrier>(&element)) {
    return absl::StrCat("barrier ", barrier->epoch.value());
  }
  if (const StreamStatus* status = std::get_if<StreamStatus>(&element)) {
    return status->idle ? "idle" : "active";
  }
  return "end";
}

inline std::vector<std::string> DrainWords(ChannelInput& channel) {
  std::vector<std::string> words;
  while (const std::optional<ChannelElement> element = channel.Pop()) {
    words.push_back(WordOf(*element));
  }
  return words;
}

}  // namespace weir::taskmanager
