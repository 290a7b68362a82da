#pragma once

#include <cstdint>

#include "common/types/record.h"
#include "connectors/datagen/sequence_source_options.h"
#include "weir/connector_handles.h"

namespace weir {

/// A row of SequenceSource.
struct SequenceRow {
  int64_t id = 0;
  int32_t split = 0;
  WEIR_RECORD(SequenceRow, id, split)
};

using SequenceSourceOptions = datagen::SequenceSourceOptions;

/// A source for tests and for trying things out: `splits` sequences, together the ids 0, 1, 2, ...
/// each once; see connectors/datagen/sequence_source.h.
inline SourceOf<SequenceRow> SequenceSource(const SequenceSourceOptions& options) {
  return SourceOf<SequenceRow>(datagen::MakeSequenceSource(options));
}

}  // namespace weir
