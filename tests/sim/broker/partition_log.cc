#include "tests/sim/broker/partition_log.h"

#include <algorithm>

namespace weir::sim {

using kafka::KafkaError;

KafkaError PartitionLog::Append(kafka::ProducerIdAndEpoch producer, int32_t sequence,
                                const std::vector<LoggedRecord>& records, int64_t* first_offset) {
  Producer& known = producers_[producer.producer_id];
  if (producer.epoch < known.epoch) return KafkaError::kInvalidProducerEpoch;
  if (producer.epoch > known.epoch) known = {producer.epoch, {}};
  const auto duplicate = known.offsets.find(sequence);
  if (duplicate != known.offsets.end()) {
    *first_offset = duplicate->second;
    return KafkaError::kNone;
  }
  Batch& batch = batches_.emplace_back();
  batch.fate = Fate::kOpen;
  batch.header.base_offset = end_;
  end_ += static_cast<int64_t>(records.size());
  batch.header.last_offset = end_ - 1;
  batch.header.producer_id = producer.producer_id;
  batch.header.producer_epoch = producer.epoch;
  batch.header.base_sequence = sequence;
  batch.header.record_count = static_cast<int32_t>(records.size());
  batch.header.transactional = true;
  batch.records = records;
  *first_offset = known.offsets[sequence] = batch.header.base_offset;
  open_.try_emplace(producer.producer_id, batch.header.base_offset);
  return KafkaError::kNone;
}

void PartitionLog::AppendPlain(const std::vector<LoggedRecord>& records) {
  Batch& batch = batches_.emplace_back();
  batch.header.base_offset = end_;
  end_ += static_cast<int64_t>(records.size());
  batch.header.last_offset = end_ - 1;
  batch.header.record_count = static_cast<int32_t>(records.size());
  batch.records = records;
}

void PartitionLog::AppendMarker(kafka::ProducerIdAndEpoch producer,
                                kafka::TransactionResult result) {
  Producer& known = producers_[producer.producer_id];
  if (producer.epoch > known.epoch) known = {producer.epoch, {}};
  const auto open = open_.find(producer.producer_id);
  if (open != open_.end()) {
    for (auto batch = batches_.rbegin();
         batch != batches_.rend() && batch->header.last_offset >= open->second; ++batch) {
      if (batch->fate != Fate::kOpen || batch->header.producer_id != producer.producer_id) continue;
      batch->fate = result == kafka::TransactionResult::kCommit ? Fate::kCommitted : Fate::kAborted;
    }
    open_.erase(open);
  }
  Batch& marker = batches_.emplace_back();
  marker.fate = Fate::kControl;
  marker.header.base_offset = marker.header.last_offset = end_++;
  marker.header.producer_id = producer.producer_id;
  marker.header.producer_epoch = producer.epoch;
  marker.header.record_count = 1;
  marker.header.transactional = true;
  marker.header.control = true;
}

std::vector<ReadRecord> PartitionLog::OpenRecords(int64_t producer_id) const {
  std::vector<ReadRecord> records;
  if (!HasOpenTransaction(producer_id)) return records;
  for (const Batch& batch : batches_) {
    if (batch.fate != Fate::kOpen || batch.header.producer_id != producer_id) continue;
    Take(batch, start_, end_, &records);
  }
  return records;
}

kafka::PartitionOffsets PartitionLog::offsets() const {
  int64_t stable = end_;
  for (const auto& [producer, first] : open_) stable = std::min(stable, first);
  return {start_, end_, std::max(stable, start_)};
}

std::vector<kafka::RecordBatchHeader> PartitionLog::Headers(int64_t from, int64_t to) const {
  std::vector<kafka::RecordBatchHeader> headers;
  for (const Batch& batch : batches_) {
    if (batch.header.last_offset >= from && batch.header.base_offset < to) {
      headers.push_back(batch.header);
    }
  }
  return headers;
}

std::vector<ReadRecord> PartitionLog::Read(Isolation isolation, int64_t from, int64_t to) const {
  std::vector<ReadRecord> records;
  const bool committed_only = isolation == Isolation::kReadCommitted;
  if (committed_only) to = std::min(to, offsets().last_stable_offset);
  for (const Batch& batch : batches_) {
    if (batch.fate == Fate::kControl || (committed_only && batch.fate == Fate::kAborted)) continue;
    Take(batch, from, to, &records);
  }
  return records;
}

void PartitionLog::Take(const Batch& batch, int64_t from, int64_t to,
                        std::vector<ReadRecord>* out) {
  int64_t offset = batch.header.base_offset;
  for (const LoggedRecord& record : batch.records) {
    if (offset >= from && offset < to) {
      out->push_back({offset, {batch.header.producer_id, batch.header.producer_epoch}, record});
    }
    ++offset;
  }
}

void PartitionLog::DeleteBefore(int64_t offset) {
  start_ = std::max(start_, std::min(offset, end_));
  std::erase_if(batches_, [this](const Batch& batch) { return batch.header.last_offset < start_; });
}

}  // namespace weir::sim
