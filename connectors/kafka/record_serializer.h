#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"

#include "common/formats/format.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/resolved_sink_options.h"

namespace weir::kafka {

/// A batch as Kafka gets it, of which the client may have taken a part. Its messages are views into
/// its own memory, which it keeps from one batch to the next. Movable.
class OutgoingBatch {
 public:
  /// What the client has not taken yet.
  std::span<const OutgoingMessage> rest() const {
    return {messages_.data() + taken_, messages_.size() - taken_};
  }
  bool empty() const { return taken_ == messages_.size(); }
  void Take(size_t messages) { taken_ += messages; }
  /// Of keys and values in rest().
  size_t bytes() const;

 private:
  friend class RecordSerializer;

  ByteRows keys_;
  ByteRows values_;
  std::vector<MessageHeaders> headers_;
  std::vector<OutgoingMessage> messages_;
  size_t taken_ = 0;
};

/// Turns the rows of a sink's input into Kafka's records: key, value, headers, timestamp.
///
/// Threads: one at a time.
class RecordSerializer {
 public:
  explicit RecordSerializer(const ResolvedSinkOptions& options);

  /// Replaces what is in `out`; after an error it is empty. INVALID_ARGUMENT for rows that take
  /// something back (change kinds), or that the format cannot write.
  absl::Status Serialize(const Batch& batch, OutgoingBatch* out);

 private:
  absl::Status SerializeRows(const Batch& batch, OutgoingBatch& out);
  void MakeHeaders(const Batch& batch, OutgoingBatch& out) const;

  const SchemaPtr key_schema_;
  const std::optional<size_t> key_column_;
  const SchemaPtr value_schema_;
  const std::optional<size_t> value_column_;
  const std::vector<ResolvedSinkOptions::Header> headers_;
  const bool event_times_;
  const std::unique_ptr<Serializer> value_serializer_;
  std::unique_ptr<Serializer> key_serializer_;  // null: no key
};

}  // namespace weir::kafka
