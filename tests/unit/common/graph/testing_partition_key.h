#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/operator/partitioning.h"
#include "common/types/key_group.h"
#include "common/types/record.h"

namespace weir {

/// The number that a key begins with.
class FirstDigitPartitioner final : public KeyPartitioner {
 public:
  explicit FirstDigitPartitioner(std::string name = "first-digit") : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  void PartitionsOf(std::span<const absl::string_view> keys, uint32_t,
                    std::vector<uint32_t>& out) const override {
    for (const absl::string_view key : keys) {
      out.push_back(static_cast<uint32_t>(key.empty() ? 0 : key[0] - '0'));
    }
  }

 private:
  const std::string name_;
};

inline TopicPartitioning FlightsTopic(uint32_t partitions = 4) {
  return {"flights", partitions, std::make_shared<FirstDigitPartitioner>()};
}

/// Of rows that are texts: the text is the key.
class TestingPartitionKey final : public PartitionKeySelector {
 public:
  std::string Describe() const override { return "origin"; }
  std::string KeyType() const override { return "string"; }
  std::string KeySchema() const override { return ""; }
  absl::Status KeyGroups(const Batch& batch, uint32_t max_parallelism,
                         std::vector<uint32_t>& groups) const override {
    const RecordReader<std::string> reader(batch);
    for (size_t row = 0; row < reader.rows(); ++row) {
      groups.push_back(KeyGroupOf(reader.Materialize(row), max_parallelism));
    }
    return absl::OkStatus();
  }
  absl::Status Partitions(const Batch& batch, const TopicPartitioning& topic,
                          std::vector<uint32_t>& partitions) const override {
    const RecordReader<std::string> reader(batch);
    for (size_t row = 0; row < reader.rows(); ++row) {
      partitions.push_back(
          topic.partitioner->PartitionOf(reader.Materialize(row), topic.partitions));
    }
    return absl::OkStatus();
  }
  std::optional<uint32_t> PartitionOf(absl::string_view key,
                                      const TopicPartitioning& topic) const override {
    return topic.partitioner->PartitionOf(key, topic.partitions);
  }
};

}  // namespace weir
