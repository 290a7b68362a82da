#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/rdkafka_handle.h"

struct rd_kafka_topic_s;
struct rd_kafka_message_s;

namespace weir::kafka {

/// A topic opened on a producer's handle, and how records get into it: copied, with Java's
/// partitioning for those with a key.
///
/// Threads: the handle's. The handle must outlive it.
class RdKafkaTopicSender {
 public:
  /// Asks for the topic's partitions in the background.
  static absl::StatusOr<std::unique_ptr<RdKafkaTopicSender>> Open(const RdKafkaHandle& handle,
                                                                  const std::string& topic);
  ~RdKafkaTopicSender();
  RdKafkaTopicSender(const RdKafkaTopicSender&) = delete;
  RdKafkaTopicSender& operator=(const RdKafkaTopicSender&) = delete;

  const std::string& name() const { return name_; }
  rd_kafka_topic_s* get() const { return topic_; }

  /// As KafkaProducerClient::Produce; `opaque` comes back with each message's delivery report.
  absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages, void* opaque);

 private:
  RdKafkaTopicSender(const RdKafkaHandle& handle, std::string topic);
  absl::StatusOr<size_t> ProduceBatch(std::span<const OutgoingMessage> messages, void* opaque);
  absl::StatusOr<size_t> ProduceEach(std::span<const OutgoingMessage> messages, void* opaque);
  absl::Status ProduceError(int error) const;

  const RdKafkaHandle& handle_;
  const std::string name_;
  rd_kafka_topic_s* topic_ = nullptr;
  std::vector<rd_kafka_message_s> batch_;  // scratch of ProduceBatch
};

}  // namespace weir::kafka
