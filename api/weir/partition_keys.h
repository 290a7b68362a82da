#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/operator/current_call.h"
#include "common/operator/partitioning.h"
#include "common/types/key_codec.h"
#include "weir/key_functions.h"

/// Keys that are those of the records in Kafka. docs/protocols/partition-aligned-keying.md.
namespace weir::internal {

/// Keys that are written into a record's key in one way only.
template <class K>
inline constexpr bool kIsKafkaKey = kIsText<K> || kIsBlob<K> ||
                                    (std::signed_integral<K> && (sizeof(K) == 4 || sizeof(K) == 8));

/// Appends the bytes of a key in a Kafka record, as Java's StringSerializer, ByteArraySerializer,
/// IntegerSerializer and LongSerializer (org.apache.kafka.common.serialization) write them.
template <class K>
void AppendKafkaKey(const K& key, std::string* out) {
  if constexpr (kIsText<K> || kIsBlob<K>) {
    const absl::string_view bytes = KeyBytesOf(key);
    out->append(bytes.data(), bytes.size());
  } else {
    std::string wide;
    AppendBigEndian(static_cast<uint64_t>(static_cast<int64_t>(key)), &wide);
    out->append(wide, sizeof(uint64_t) - sizeof(K));
  }
}

/// For Stream::KeyByPartition.
template <class KeyOf>
class TypedPartitionKeySelector final : public PartitionKeySelector {
  using Key = typename KeyOf::Key;
  static_assert(kIsKafkaKey<Key>,
                "KeyByPartition takes keys that are in Kafka as Java's serializers write them: "
                "std::string, weir::ByteArray, int32_t or int64_t; for another encoding give its "
                "bytes as a std::string");

 public:
  explicit TypedPartitionKeySelector(const KeyOf& key) : key_(key), by_hash_(key) {}

  std::string Describe() const override { return key_.Describe(); }
  std::string KeyType() const override { return by_hash_.KeyType(); }
  std::string KeySchema() const override { return by_hash_.KeySchema(); }
  absl::Status KeyGroups(const Batch& batch, uint32_t max_parallelism,
                         std::vector<uint32_t>& groups) const override {
    return by_hash_.KeyGroups(batch, max_parallelism, groups);
  }

  absl::Status Partitions(const Batch& batch, const TopicPartitioning& topic,
                          std::vector<uint32_t>& partitions) const override {
    KeyOf key = key_;
    const auto keys = key.Bind(batch);
    CurrentCall& call = ThisThreadsCall();
    std::string bytes;  // of all keys: what a function gives need not outlive its row
    std::vector<size_t> ends;
    ends.reserve(batch.num_rows());
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      call.SetRow(row);
      AppendKafkaKey(keys.At(row), &bytes);
      ends.push_back(bytes.size());
    }
    call.ClearRow();
    std::vector<absl::string_view> views;
    views.reserve(ends.size());
    size_t begin = 0;
    for (const size_t end : ends) {
      views.emplace_back(bytes.data() + begin, end - begin);
      begin = end;
    }
    topic.partitioner->PartitionsOf(views, topic.partitions, partitions);
    return absl::OkStatus();
  }

  std::optional<uint32_t> PartitionOf(absl::string_view key,
                                      const TopicPartitioning& topic) const override {
    const absl::StatusOr<Key> decoded = DecodeKey<Key>(key);
    if (!decoded.ok()) return std::nullopt;
    std::string bytes;
    AppendKafkaKey(*decoded, &bytes);
    return topic.partitioner->PartitionOf(bytes, topic.partitions);
  }

 private:
  const KeyOf key_;
  const TypedKeySelector<KeyOf> by_hash_;
};

}  // namespace weir::internal
