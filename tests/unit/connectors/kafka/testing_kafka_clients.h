#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/stored_record_reader.h"
#include "connectors/kafka/transactional/transactional_producer.h"

namespace weir::kafka {

/// A consumer whose messages the test puts there.
class TestingKafkaConsumerClient final : public KafkaConsumerClient {
 public:
  absl::Status Assign(const std::vector<PartitionOffset>& partitions) override {
    assigned.insert(assigned.end(), partitions.begin(), partitions.end());
    positions.resize(assigned.size(), -1);
    unassigned.resize(assigned.size(), false);
    return absl::OkStatus();
  }
  absl::Status Unassign(size_t assignment) override {
    unassigned[assignment] = true;
    return absl::OkStatus();
  }
  absl::Status Consume(size_t max, ConsumedBatch* out) override {
    out->messages.clear();
    while (!queue.empty() && out->messages.size() < max) {
      held.push_back(std::move(queue.front()));
      queue.pop_front();
      const Message& message = held.back();
      out->messages.push_back({message.assignment, message.offset, message.timestamp_ms,
                               Payload{nullptr, 0, true},
                               Payload{message.value.data(), message.value.size(), false}});
      positions[message.assignment] = message.offset + 1;
    }
    return error;
  }
  int64_t Position(size_t assignment) override { return positions[assignment]; }
  int64_t EndOffset(size_t assignment) override {
    const auto end = ends.find(assignment);
    return end == ends.end() ? -1 : end->second;
  }
  void CommitOffsets(const std::vector<PartitionOffset>& offsets) override {
    for (const PartitionOffset& at : offsets) committed[{at.topic, at.partition}] = at.offset;
  }
  CommitCounts commit_counts() const override { return {}; }

  void Put(size_t assignment, int64_t offset, std::string value, int64_t timestamp_ms = 0) {
    queue.push_back({assignment, offset, timestamp_ms, std::move(value)});
  }

  struct Message {
    size_t assignment;
    int64_t offset;
    int64_t timestamp_ms;
    std::string value;
  };
  std::vector<PartitionOffset> assigned;
  std::vector<bool> unassigned;
  std::vector<int64_t> positions;
  std::map<size_t, int64_t> ends;
  std::deque<Message> queue;
  std::deque<Message> held;
  std::map<TopicPartition, int64_t> committed;
  absl::Status error;
};

/// A producer that delivers when the test says so.
class TestingKafkaProducerClient final : public KafkaProducerClient {
 public:
  absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages,
                                 uint64_t account) override {
    if (!produce_error.ok()) return produce_error;
    const size_t taken = std::min(messages.size(), room);
    for (size_t i = 0; i < taken; ++i) {
      const OutgoingMessage& message = messages[i];
      sent.push_back({Text(message.key), Text(message.value), message.timestamp_ms, account,
                      message.headers == nullptr ? MessageHeaders() : *message.headers});
    }
    room -= taken;
    return taken;
  }
  absl::Status Poll(DeliveryListener& listener) override {
    for (; delivered < deliver_up_to && delivered < sent.size(); ++delivered) {
      const Sent& message = sent[delivered];
      listener.OnDelivered(message.account, 1, message.bytes());
    }
    if (fail_next.has_value() && delivered < sent.size()) {
      const Sent& message = sent[delivered++];
      listener.OnFailed(message.account, message.bytes(), *std::exchange(fail_next, std::nullopt));
    }
    return absl::OkStatus();
  }
  std::optional<std::string> NoBrokerReason() const override { return no_broker; }

  struct Sent {
    std::optional<std::string> key;
    std::optional<std::string> value;
    int64_t timestamp_ms;
    uint64_t account;
    MessageHeaders headers;
    size_t bytes() const { return key.value_or("").size() + value.value_or("").size(); }
  };
  std::vector<Sent> sent;
  size_t room = 1000000;
  size_t delivered = 0;
  size_t deliver_up_to = 0;
  std::optional<absl::Status> fail_next;
  absl::Status produce_error;
  std::optional<std::string> no_broker;

 private:
  static std::optional<std::string> Text(const Payload& payload) {
    if (payload.null) return std::nullopt;
    return std::string(payload.data, payload.size);
  }
};

/// Answers from tables.
class TestingKafkaAdminClient final : public KafkaAdminClient {
 public:
  absl::StatusOr<std::vector<std::string>> ListTopics() override {
    std::vector<std::string> names;
    for (const auto& [topic, partitions] : topics) names.push_back(topic);
    return names;
  }
  absl::StatusOr<std::vector<int32_t>> Partitions(const std::string& topic) override {
    if (topics.count(topic) == 0) return absl::NotFoundError("no topic " + topic);
    return topics[topic];
  }
  absl::StatusOr<std::string> TopicSetting(const std::string& topic,
                                           const std::string& name) override {
    const auto found = settings.find(topic + " " + name);
    if (found == settings.end()) return absl::PermissionDeniedError("may not ask for " + name);
    return found->second;
  }
  absl::StatusOr<OffsetMap> EarliestOffsets(const std::vector<TopicPartition>& of) override {
    return Of(of, earliest);
  }
  absl::StatusOr<OffsetMap> LatestOffsets(const std::vector<TopicPartition>& of) override {
    return Of(of, latest);
  }
  absl::StatusOr<OffsetMap> OffsetsForTime(const std::vector<TopicPartition>& of,
                                           int64_t) override {
    return Of(of, for_time);
  }
  absl::StatusOr<OffsetMap> CommittedOffsets(const std::vector<TopicPartition>& of) override {
    return Of(of, committed);
  }

  std::map<std::string, std::vector<int32_t>> topics;
  std::map<std::string, std::string> settings;  // by "topic name"
  OffsetMap earliest, latest, for_time, committed;

 private:
  static OffsetMap Of(const std::vector<TopicPartition>& of, const OffsetMap& table) {
    OffsetMap result;
    for (const TopicPartition& at : of) {
      if (table.count(at) != 0) result[at] = table.at(at);
    }
    return result;
  }
};

/// Hands out one prepared client of each kind; the test keeps pointers to them.
class TestingKafkaClientFactory final : public KafkaClientFactory {
 public:
  TestingKafkaClientFactory()
      : consumer(new TestingKafkaConsumerClient),
        producer(new TestingKafkaProducerClient),
        admin(new TestingKafkaAdminClient),
        owned_consumer_(consumer),
        owned_producer_(producer),
        owned_admin_(admin) {}

  absl::Status CheckConfiguration(const ClientConfiguration&) const override {
    return absl::OkStatus();
  }
  absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeConsumer(
      const ClientConfiguration&, std::function<void()>) const override {
    return std::unique_ptr<KafkaConsumerClient>(std::move(owned_consumer_));
  }
  absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeProducer(
      const ClientConfiguration&, const std::string&, std::function<void()>) const override {
    return std::unique_ptr<KafkaProducerClient>(std::move(owned_producer_));
  }
  absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeTransactionalProducer(
      const TransactionalProducerOptions&) const override {
    return absl::UnimplementedError("see testing_transactional_kafka.h");
  }
  absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeAdmin(const ClientConfiguration&,
                                                              absl::Duration) const override {
    return std::unique_ptr<KafkaAdminClient>(std::move(owned_admin_));
  }
  absl::StatusOr<std::unique_ptr<StoredRecordReader>> MakeRecordReader(
      const ClientConfiguration&) const override {
    return absl::UnimplementedError("see testing_transactional_kafka.h");
  }

  TestingKafkaConsumerClient* const consumer;
  TestingKafkaProducerClient* const producer;
  TestingKafkaAdminClient* const admin;

 private:
  mutable std::unique_ptr<TestingKafkaConsumerClient> owned_consumer_;
  mutable std::unique_ptr<TestingKafkaProducerClient> owned_producer_;
  mutable std::unique_ptr<TestingKafkaAdminClient> owned_admin_;
};

}  // namespace weir::kafka
