#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "common/types/batch.h"
#include "common/types/record.h"

namespace weir::sim {

/// A row of the model source.
struct ModelRecord {
  int64_t split = 0;
  int64_t index = 0;
  WEIR_RECORD(ModelRecord, split, index)
};

/// What a keyed job writes.
struct KeyedResult {
  enum Kind : int64_t {
    kFired = 0,    // of the rows of a key in [start, end)
    kLate = 1,     // one row that came too late: start and end are its split and index
    kClosing = 2,  // of the second timer behind a slot: end is its time
    kTicked = 3,   // of the timer of processing time of one row: start and end as of a late one
    kAstray = 4,   // of one that should not have fired: end is its time
  };

  int64_t key = 0;
  int64_t kind = kFired;
  int64_t start = 0;
  int64_t end = 0;
  int64_t count = 0;   // rows
  int64_t sum = 0;     // of their values
  int64_t number = 0;  // of slots of this key that have fired, with this one
  WEIR_RECORD(KeyedResult, key, kind, start, end, count, sum, number)

  bool operator==(const KeyedResult&) const = default;
  std::string ToString() const;
  /// Of the JSON that the sink writes.
  static KeyedResult Parse(const std::string& json);
};

std::vector<KeyedResult> ResultsOf(const Batch& batch);

}  // namespace weir::sim
