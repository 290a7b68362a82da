#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "connectors/kafka/wire/kafka_error.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::sim {

struct LoggedRecord {
  std::optional<std::string> key;
  std::optional<std::string> value;
  int64_t timestamp_ms = 0;
};

/// A record as a reader gets it.
struct ReadRecord {
  int64_t offset = 0;
  kafka::ProducerIdAndEpoch producer;  // -1: written without a producer id
  LoggedRecord record;
};

/// The log of one partition: batches of records, control markers, and what follows from both: the
/// last stable offset, and what a reader of either isolation level sees.
class PartitionLog {
 public:
  enum class Isolation { kReadUncommitted, kReadCommitted };

  /// Appends a batch; its first offset is the answer. A transactional one opens the producer's
  /// transaction here. `sequence` counts the producer's records since its epoch began: what is
  /// there already is not appended again.
  /// Errors: INVALID_PRODUCER_EPOCH when a newer epoch of the producer has been here.
  kafka::KafkaError Append(kafka::ProducerIdAndEpoch producer, int32_t sequence,
                           const std::vector<LoggedRecord>& records, int64_t* first_offset);
  /// Of a producer without a producer id.
  void AppendPlain(const std::vector<LoggedRecord>& records);
  /// Ends the producer's transaction here, whichever epoch wrote it.
  void AppendMarker(kafka::ProducerIdAndEpoch producer, kafka::TransactionResult result);

  bool HasOpenTransaction(int64_t producer_id) const { return open_.count(producer_id) > 0; }
  std::vector<ReadRecord> OpenRecords(int64_t producer_id) const;

  kafka::PartitionOffsets offsets() const;
  /// Batches with an offset in [from, to).
  std::vector<kafka::RecordBatchHeader> Headers(int64_t from, int64_t to) const;
  /// Records with an offset in [from, to); for kReadCommitted below the last stable offset and
  /// without aborted ones.
  std::vector<ReadRecord> Read(Isolation isolation, int64_t from, int64_t to) const;
  /// Retention: whole batches below `offset` go.
  void DeleteBefore(int64_t offset);

 private:
  enum class Fate { kPlain, kOpen, kCommitted, kAborted, kControl };
  struct Batch {
    kafka::RecordBatchHeader header;
    Fate fate = Fate::kPlain;
    std::vector<LoggedRecord> records;
  };
  struct Producer {
    int16_t epoch = -1;
    std::map<int32_t, int64_t> offsets;  // by base sequence, of this epoch
  };

  static void Take(const Batch& batch, int64_t from, int64_t to, std::vector<ReadRecord>* out);

  std::vector<Batch> batches_;
  int64_t start_ = 0;
  int64_t end_ = 0;
  std::map<int64_t, int64_t> open_;        // producer id -> first offset of its transaction
  std::map<int64_t, Producer> producers_;  // by id
};

}  // namespace weir::sim
