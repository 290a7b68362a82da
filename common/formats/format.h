#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/types/batch.h"
#include "common/types/batch_builder.h"
#include "common/types/status_forward.h"

namespace weir {

/// One record's bytes as they came from outside, not owned; null as Kafka has it (a tombstone).
struct Payload {
  const char* data = nullptr;
  size_t size = 0;
  bool null = false;
};

/// A payload that could not be decoded. `reason` names fields and positions, never content.
struct DecodeError {
  size_t row = 0;  // index into the payloads
  std::string reason;
};

/// Decodes payloads into columns, a batch at a time (one virtual call per batch).
///
/// Life cycle: made once per reader, called many times. Threads: one at a time.
/// Errors: a payload that cannot be decoded leaves no row and is listed in `failed`, in order; the
/// other payloads are appended in order, so that row k of the appended rows is the k-th payload
/// that is not listed. What happens to the listed ones is the caller's policy. A Status is returned
/// only for what concerns the batch: INVALID_ARGUMENT (the builder's schema does not suit the
/// format), RESOURCE_EXHAUSTED (a column is full: the rows appended before it stay, `out.rows()`
/// tells).
class Deserializer {
 public:
  virtual ~Deserializer() = default;
  virtual absl::Status Deserialize(std::span<const Payload> payloads, BatchBuilder& out,
                                   std::vector<DecodeError>* failed) = 0;
};

/// Payloads in one growing arena: what a Serializer writes and a sink hands to its client without
/// a copy. Views are valid until the next append, Clear or destruction.
///
/// Threads: one at a time.
class ByteRows {
 public:
  size_t size() const { return ends_.size(); }
  size_t arena_bytes() const { return used_; }
  Payload operator[](size_t row) const {
    const size_t begin = row == 0 ? 0 : ends_[row - 1];
    return {arena_.get() + begin, ends_[row] - begin, !nulls_.empty() && nulls_[row] != 0};
  }
  /// Keeps the memory.
  void Clear() { Truncate(0); }
  /// Keeps the first `rows` payloads.
  void Truncate(size_t rows);
  void Reserve(size_t rows, size_t bytes);

  void Append(std::string_view payload) {
    char* room = Grow(payload.size());
    if (!payload.empty()) std::memcpy(room, payload.data(), payload.size());
    Commit(payload.size());
  }
  void AppendNull();

  /// Room for a payload of up to `bytes` bytes (and kSlack more that may be overwritten); write it
  /// there, then Commit its length.
  char* Grow(size_t bytes) {
    if (capacity_ - used_ < bytes + kSlack) GrowArena(bytes);
    return arena_.get() + used_;
  }
  void Commit(size_t bytes) {
    used_ += bytes;
    ends_.push_back(used_);
    if (!nulls_.empty()) nulls_.push_back(0);
  }
  static constexpr size_t kSlack = 16;

 private:
  struct FreeDeleter {
    void operator()(char* block) const { std::free(block); }
  };
  void GrowArena(size_t bytes);

  std::unique_ptr<char[], FreeDeleter> arena_;
  size_t used_ = 0;
  size_t capacity_ = 0;
  std::vector<size_t> ends_;
  std::vector<uint8_t> nulls_;  // empty until the first null
};

/// Encodes the rows of a batch, one payload per row (one virtual call per batch).
///
/// Life cycle and threads: as Deserializer.
/// Errors: INVALID_ARGUMENT, naming field and row, when the schema does not suit the format or a
/// value cannot be written; `out` then holds what it held before.
class Serializer {
 public:
  virtual ~Serializer() = default;
  virtual absl::Status Serialize(const Batch& batch, ByteRows* out) = 0;
};

/// INVALID_ARGUMENT naming the format unless the schema is one column of this type.
absl::Status CheckSingleColumn(const Schema& schema, DataType type, std::string_view format);

}  // namespace weir
