#include "tests/e2e/transaction_log.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "tests/support/kafka/topic_client.h"

namespace weir {
namespace {

// As kafka_server.sh has it.
constexpr int32_t kTransactionLogPartitions = 4;
constexpr int32_t kTimeoutMs = 60'000;

template <class Integer>
void Append(std::string& to, Integer value) {
  const auto bits = static_cast<std::make_unsigned_t<Integer>>(value);
  for (size_t i = sizeof(Integer); i-- > 0;) {
    to += static_cast<char>(static_cast<uint64_t>(bits) >> (8 * i) & 0xff);
  }
}

/// TransactionStateManager.partitionFor: Java's String.hashCode, without its sign.
int32_t PartitionFor(absl::string_view id) {
  uint32_t hash = 0;
  for (const char c : id) hash = 31 * hash + static_cast<unsigned char>(c);
  return static_cast<int32_t>(hash & 0x7fffffff) % kTransactionLogPartitions;
}

std::string LogKey(const std::string& id) {
  std::string key;
  Append(key, int16_t{0});  // version
  Append(key, static_cast<int16_t>(id.size()));
  return key + id;
}

std::string LogValue(const kafka::ProducerIdAndEpoch& producer) {
  std::string value;
  Append(value, int16_t{0});  // version
  Append(value, producer.producer_id);
  Append(value, producer.epoch);
  Append(value, kTimeoutMs);
  Append(value, int8_t{0});    // Empty
  Append(value, int32_t{-1});  // no partitions
  Append(value, absl::ToUnixMillis(absl::Now()));
  Append(value, int64_t{-1});  // not started
  return value;
}

}  // namespace

absl::Status RewriteTransactionStates(
    KafkaCluster& cluster, const std::map<std::string, kafka::ProducerIdAndEpoch>& producers) {
  std::vector<KafkaTestRecord> records;
  for (const auto& [id, producer] : producers) {
    KafkaTestRecord record;
    record.key = LogKey(id);
    record.value = LogValue(producer);
    record.partition = PartitionFor(id);
    records.push_back(std::move(record));
  }
  // Brokers let the tools' client write to their own topics, and no other.
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<TopicClient> client,
                        TopicClient::Connect(cluster.bootstrap_servers(), "__admin_client"));
  WEIR_RETURN_IF_ERROR(client->Produce("__transaction_state", records));
  WEIR_RETURN_IF_ERROR(cluster.KillBroker(1));
  return cluster.RestartBroker(1);
}

}  // namespace weir
