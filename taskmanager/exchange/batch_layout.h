#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

#include "common/types/batch.h"
#include "common/types/buffer.h"

namespace weir::taskmanager {

/// How a batch lies in the payload of its frame (docs/protocols/exchange.md): a directory, then the
/// buffers that are there, each padded to kFrameAlignment.
///
/// Threads: immutable. Ownership: shares the buffers of the batch; borrows the batch, which
/// outlives it.
class BatchLayout {
 public:
  explicit BatchLayout(const Batch& batch);

  size_t directory_bytes() const;
  size_t payload_bytes() const { return payload_bytes_; }
  /// The buffers in order, without padding; of a slice only what belongs to it.
  const std::vector<Buffer>& parts() const { return parts_; }
  void WriteDirectory(uint8_t* out) const;

  /// A batch that shares `payload`. Offsets that do not start at 0 are rewritten in place.
  /// DATA_LOSS saying what does not fit.
  static absl::StatusOr<Batch> Decode(const SchemaPtr& schema, const Buffer& payload);

 private:
  void Add(Buffer part);

  const Batch& batch_;
  std::vector<Buffer> parts_;
  std::vector<uint64_t> value_bytes_;  // by column
  size_t payload_bytes_ = 0;
};

}  // namespace weir::taskmanager
