#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/types/record.h"

namespace weir {

/// A record that an operator could not deal with: what dead-letter sinks are given.
struct DeadLetter {
  std::optional<ByteArray> key;    // as it came, where a source read it
  std::optional<ByteArray> value;  // as it came from the source, or the operator's input as JSON
  std::string format;              // of `value`: "raw" or "json"
  std::optional<std::string> topic;
  std::optional<int32_t> partition;
  std::optional<int64_t> offset;
  std::string job;  // the name that the program gives itself
  std::string job_id;
  std::string operator_name;
  std::string operator_uid;
  int32_t subtask = 0;
  std::string error;  // names fields and positions, never content, unless a user function says it
  WEIR_RECORD(DeadLetter, key, value, format, topic, partition, offset, job, job_id, operator_name,
              operator_uid, subtask, error)
};

}  // namespace weir
