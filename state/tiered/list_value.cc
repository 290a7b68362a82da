#include "state/tiered/list_value.h"

#include <cstddef>
#include <optional>

#include "common/types/byte_reader.h"
#include "state/api/state_schema.h"

namespace weir {
namespace {

bool SkipElements(StateKind kind, const TierFormat& format, uint64_t count, ByteReader& in) {
  const StateSchema& element = kind == StateKind::kMap ? format.schema.parts[0] : format.schema;
  absl::string_view stamp;
  for (; count > 0; --count) {
    if (format.stamped && !in.ReadBytes(sizeof(int64_t), &stamp)) return false;
    if (!SkipValue(element, in)) return false;
  }
  return true;
}

}  // namespace

bool ReadListParts(StateKind kind, const std::vector<TierFormat>& formats, absl::string_view value,
                   absl::FunctionRef<void(const ListPart& part)> visit) {
  ByteReader in(value);
  do {
    ListPart part;
    if (!in.ReadVarint(&part.format) || part.format >= formats.size() ||
        !in.ReadVarint(&part.count) || part.count > in.left()) {
      return false;
    }
    // A vector that was put may be empty.
    if (part.count == 0 && kind == StateKind::kList) return false;
    const TierFormat& format = formats[static_cast<size_t>(part.format)];
    if (!InParts(kind, format)) return false;
    const absl::string_view rest = in.rest();
    if (!SkipElements(kind, format, part.count, in)) return false;
    part.elements = rest.substr(0, rest.size() - in.left());
    visit(part);
  } while (!in.done());
  return true;
}

bool JoinListParts(StateKind kind, const std::vector<TierFormat>& formats, absl::string_view value,
                   std::string* out) {
  std::optional<uint64_t> first_format;
  uint64_t count = 0;
  bool same = true;
  std::string elements;
  elements.reserve(value.size());
  const bool read = ReadListParts(kind, formats, value, [&](const ListPart& part) {
    if (!first_format.has_value()) first_format = part.format;
    same = same && part.format == *first_format;
    count += part.count;
    elements.append(part.elements.data(), part.elements.size());
  });
  if (!read || !same) return false;
  AppendVarint(count, out);
  out->append(elements);
  return true;
}

}  // namespace weir
