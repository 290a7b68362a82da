#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

#include "state/tiered/tier_states.h"

/// Values in parts (InParts: lists, and vectors in maps) in RocksDB and in dirty logs: one part
/// after the other, each as it was put or appended (docs/formats/state-tier.md). Without a cell's
/// type: by the kind and the formats of the state.
namespace weir {

/// One part: the number of its format, and the elements with their count.
struct ListPart {
  uint64_t format = 0;
  uint64_t count = 0;
  absl::string_view elements;
};

/// visit(part) for each, in order. False: these bytes are no list of these formats.
bool ReadListParts(StateKind kind, const std::vector<TierFormat>& formats, absl::string_view value,
                   absl::FunctionRef<void(const ListPart& part)> visit);

/// Appends the list as one part, without its format, which all parts must have.
bool JoinListParts(StateKind kind, const std::vector<TierFormat>& formats, absl::string_view value,
                   std::string* out);

}  // namespace weir
