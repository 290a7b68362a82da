#include "state/tiered/list_value.h"

#include <cstddef>

#include "common/types/byte_reader.h"
#include "state/api/state_schema.h"

namespace weir {
namespace {

bool SkipElements(const TierFormat& format, uint64_t count, ByteReader& in) {
  absl::string_view stamp;
  for (; count > 0; --count) {
    if (format.stamped && !in.ReadBytes(sizeof(int64_t), &stamp)) return false;
    if (!SkipValue(format.schema, in)) return false;
  }
  return true;
}

}  // namespace

bool ReadListParts(const std::vector<TierFormat>& formats, absl::string_view value,
                   absl::FunctionRef<void(const ListPart& part)> visit) {
  ByteReader in(value);
  do {
    ListPart part;
    if (!in.ReadVarint(&part.format) || part.format >= formats.size() ||
        !in.ReadVarint(&part.count) || part.count == 0 || part.count > in.left()) {
      return false;
    }
    const absl::string_view rest = in.rest();
    if (!SkipElements(formats[static_cast<size_t>(part.format)], part.count, in)) return false;
    part.elements = rest.substr(0, rest.size() - in.left());
    visit(part);
  } while (!in.done());
  return true;
}

bool JoinListParts(const std::vector<TierFormat>& formats, absl::string_view value,
                   std::string* out) {
  uint64_t first_format = 0;
  uint64_t count = 0;
  bool same = true;
  std::string elements;
  elements.reserve(value.size());
  const bool read = ReadListParts(formats, value, [&](const ListPart& part) {
    if (count == 0) first_format = part.format;
    same = same && part.format == first_format;
    count += part.count;
    elements.append(part.elements.data(), part.elements.size());
  });
  if (!read || !same) return false;
  AppendVarint(count, out);
  out->append(elements);
  return true;
}

}  // namespace weir
