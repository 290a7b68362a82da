#include "common/types/source_position.h"

namespace weir {

int64_t Provenance::OffsetOf(size_t row) const {
  if (row < offsets.size()) return offsets[row];
  if (!offsets.empty() || first_offset < 0) return -1;
  return first_offset + static_cast<int64_t>(row);
}

std::string Provenance::Describe(size_t row) const {
  std::string text = "topic " + topic;
  if (partition >= 0) text += ", partition " + std::to_string(partition);
  const int64_t offset = OffsetOf(row);
  if (offset >= 0) text += ", offset " + std::to_string(offset);
  return text;
}

std::shared_ptr<const Provenance> Provenance::Take(std::span<const uint32_t> rows) const {
  auto taken = std::make_shared<Provenance>();
  taken->topic = topic;
  taken->partition = partition;
  if (!offsets.empty() || first_offset >= 0) {
    taken->offsets.reserve(rows.size());
    for (const uint32_t row : rows) taken->offsets.push_back(OffsetOf(row));
  }
  return taken;
}

std::shared_ptr<const Provenance> Provenance::Slice(size_t first, size_t count) const {
  auto sliced = std::make_shared<Provenance>();
  sliced->topic = topic;
  sliced->partition = partition;
  if (!offsets.empty()) {
    for (size_t i = first; i < first + count; ++i) sliced->offsets.push_back(OffsetOf(i));
  } else if (first_offset >= 0) {
    sliced->first_offset = first_offset + static_cast<int64_t>(first);
  }
  return sliced;
}

}  // namespace weir
