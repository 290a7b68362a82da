#include "tests/support/kafka/committed_topic_reader.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <map>
#include <utility>

#include "absl/status/status.h"

namespace weir {
namespace {

constexpr int kPollMs = 20;

absl::string_view View(const void* data, size_t size) {
  return data == nullptr ? absl::string_view()
                         : absl::string_view(static_cast<const char*>(data), size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CommittedTopicReader>> CommittedTopicReader::Start(
    const std::string& bootstrap_servers, const std::string& topic, int partitions,
    Visitor visitor) {
  std::array<char, 512> error{};
  rd_kafka_conf_t* configuration = rd_kafka_conf_new();
  for (const auto& [name, value] :
       std::map<std::string, std::string>{{"bootstrap.servers", bootstrap_servers},
                                          {"group.id", "weir-test-reader"},
                                          {"enable.auto.commit", "false"},
                                          {"isolation.level", "read_committed"},
                                          {"reconnect.backoff.max.ms", "200"},
                                          {"fetch.wait.max.ms", "50"}}) {
    rd_kafka_conf_set(configuration, name.c_str(), value.c_str(), error.data(), error.size());
  }
  rd_kafka_conf_set_log_cb(configuration, nullptr);
  rd_kafka_t* consumer = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, error.data(), error.size());
  if (consumer == nullptr) {
    rd_kafka_conf_destroy(configuration);
    return absl::InternalError(error.data());
  }
  rd_kafka_poll_set_consumer(consumer);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int32_t partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(all, topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  rd_kafka_assign(consumer, all);
  rd_kafka_topic_partition_list_destroy(all);
  return std::unique_ptr<CommittedTopicReader>(
      new CommittedTopicReader(consumer, std::move(visitor)));
}

CommittedTopicReader::CommittedTopicReader(rd_kafka_s* consumer, Visitor visitor)
    : consumer_(consumer), visitor_(std::move(visitor)), thread_([this] { Run(); }) {}

CommittedTopicReader::~CommittedTopicReader() {
  ending_ = true;
  thread_.join();
  rd_kafka_consumer_close(consumer_);
  rd_kafka_destroy(consumer_);
}

void CommittedTopicReader::Run() {
  while (!ending_) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_, kPollMs);
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      visitor_({View(message->key, message->key_len), View(message->payload, message->len),
                message->partition, message->offset});
    }
    rd_kafka_message_destroy(message);
  }
}

}  // namespace weir
