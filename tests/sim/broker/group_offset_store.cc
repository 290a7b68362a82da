#include "tests/sim/broker/group_offset_store.h"

namespace weir::sim {

using kafka::GroupOffset;

void GroupOffsetStore::Write(kafka::ProducerIdAndEpoch producer, const PendingOffset& offset) {
  OpenTransaction& open = pending_[producer.producer_id];
  open.epoch = producer.epoch;
  open.offsets[{offset.group, offset.partition}] = {++writes_, offset};
}

bool GroupOffsetStore::HasOpenTransaction(kafka::ProducerIdAndEpoch producer) const {
  const auto pending = pending_.find(producer.producer_id);
  return pending != pending_.end() && pending->second.epoch == producer.epoch;
}

void GroupOffsetStore::Complete(int64_t producer_id, kafka::TransactionResult result) {
  const auto pending = pending_.find(producer_id);
  if (pending == pending_.end()) return;
  if (result == kafka::TransactionResult::kCommit) {
    for (const auto& [key, written] : pending->second.offsets) {
      Written& committed = committed_[key];
      if (committed.order < written.order) committed = written;
    }
  }
  pending_.erase(pending);
}

std::vector<PendingOffset> GroupOffsetStore::Pending(int64_t producer_id) const {
  std::vector<PendingOffset> offsets;
  const auto pending = pending_.find(producer_id);
  if (pending == pending_.end()) return offsets;
  for (const auto& [key, written] : pending->second.offsets) offsets.push_back(written.offset);
  return offsets;
}

GroupOffset GroupOffsetStore::Fetch(const std::string& group,
                                    const kafka::TopicPartition& partition,
                                    kafka::TransactionClient::FetchOffsetOptions options) const {
  const Key key{group, partition};
  if (options.require_stable) {
    for (const auto& [producer, open] : pending_) {
      if (open.offsets.count(key) > 0) return {GroupOffset::Kind::kUnstable, -1, ""};
    }
  }
  const auto committed = committed_.find(key);
  if (committed == committed_.end()) return {};
  const PendingOffset& offset = committed->second.offset;
  return {GroupOffset::Kind::kValue, offset.offset, offset.metadata};
}

std::map<kafka::TopicPartition, GroupOffset> GroupOffsetStore::FetchAll(
    const std::string& group, kafka::TransactionClient::FetchOffsetOptions options) const {
  std::map<kafka::TopicPartition, GroupOffset> all;
  const auto add = [&](const Key& key) {
    if (key.group != group) return;
    const GroupOffset offset = Fetch(group, key.partition, options);
    if (offset.kind != GroupOffset::Kind::kAbsent) all[key.partition] = offset;
  };
  for (const auto& [key, written] : committed_) add(key);
  return all;
}

}  // namespace weir::sim
