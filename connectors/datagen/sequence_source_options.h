#pragma once

#include <cstdint>
#include <memory>

#include "common/types/schema.h"

namespace weir {
class Source;
}

namespace weir::datagen {

/// How many rows, and how fast. Light: job authors' programs include it.
struct SequenceSourceOptions {
  uint32_t splits = 1;
  int64_t rows_per_split = 0;  // 0: without end
  double rows_per_second = 0;  // of all splits together; 0: as fast as they are taken
  int64_t first_event_time_us = 0;
  int64_t event_time_step_us = 1000;  // from one row of a split to the next
};

/// "(id int64, split int32)".
SchemaPtr SequenceSchema();

/// What is wrong with the options is said by Source::Validate, when the job is planned.
std::shared_ptr<const Source> MakeSequenceSource(const SequenceSourceOptions& options);

}  // namespace weir::datagen
