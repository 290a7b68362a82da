#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// Where the rows of a batch were read, so that an error can name the record: topic (or whatever
/// the source calls its unit), partition, offset. It travels with the batch through chained
/// operators and ends at an exchange.
///
/// Offsets: one per row in `offsets`, or, when that is empty, first_offset + row; first_offset < 0
/// means unknown.
struct Provenance {
  std::string topic;
  int32_t partition = -1;
  std::vector<int64_t> offsets;
  int64_t first_offset = -1;

  /// -1 when unknown.
  int64_t OffsetOf(size_t row) const;

  /// "topic flights, partition 3, offset 1234". Never the content of the record.
  std::string Describe(size_t row) const;

  /// The provenance of a batch that keeps these rows in this order.
  std::shared_ptr<const Provenance> Take(std::span<const uint32_t> rows) const;
  std::shared_ptr<const Provenance> Slice(size_t first, size_t count) const;
};

}  // namespace weir
