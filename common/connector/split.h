#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace weir {

/// A part of a source that is read in order by one reader, and where reading it stands. For Kafka:
/// a partition and an offset. The connector encodes `position` and versions its bytes.
struct SourceSplit {
  std::string id;  // unique within the source: "flights-3"
  std::string position;
  std::optional<int64_t> watermark_us;  // no record at or below it counts as early any more: what
                                        // had been sent downstream, or higher
  bool finished = false;                // bounded and read to its end
  bool idle = false;                    // holds no watermark back until it has a record
};

}  // namespace weir
