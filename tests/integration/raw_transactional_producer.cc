#include "tests/integration/raw_transactional_producer.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr int kTimeoutMs = 30000;

absl::Status TakeError(rd_kafka_error_t* error, absl::string_view what) {
  if (error == nullptr) return absl::OkStatus();
  const std::string text = absl::StrCat(
      what, ": ", rd_kafka_error_name(error), rd_kafka_error_is_fatal(error) ? " fatal" : "",
      rd_kafka_error_txn_requires_abort(error) ? " abortable" : "",
      rd_kafka_error_is_retriable(error) ? " retriable" : "", ": ", rd_kafka_error_string(error));
  rd_kafka_error_destroy(error);
  return absl::InternalError(text);
}

/// The number behind "key": in the statistics' part about idempotence.
int64_t StatisticsNumber(absl::string_view json, absl::string_view key) {
  size_t at = json.find("\"eos\":");
  if (at != absl::string_view::npos) at = json.find(absl::StrCat("\"", key, "\":"), at);
  if (at == absl::string_view::npos) return -1;
  json.remove_prefix(at + key.size() + 3);
  int64_t number = -1;
  const bool parsed = absl::SimpleAtoi(json.substr(0, json.find_first_of(",}")), &number);
  return parsed ? number : -1;
}

rd_kafka_t* NewClient(rd_kafka_type_t type, rd_kafka_conf_t* conf,
                      const std::vector<std::pair<std::string, std::string>>& settings,
                      std::string& problem) {
  std::array<char, 512> text{};
  for (const auto& [name, value] : settings) {
    rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size());
  }
  rd_kafka_conf_set_log_cb(conf, nullptr);
  rd_kafka_t* client = rd_kafka_new(type, conf, text.data(), text.size());
  if (client == nullptr) problem = text.data();
  return client;
}

}  // namespace

struct RawProducerCallbacks {
  static int OnStatistics(rd_kafka_t* /*client*/, char* json, size_t size, void* opaque) {
    auto& identity = static_cast<RawTransactionalProducer*>(opaque)->identity_;
    const absl::string_view text(json, size);
    identity.producer_id = StatisticsNumber(text, "producer_id");
    identity.epoch = static_cast<int16_t>(StatisticsNumber(text, "producer_epoch"));
    return 0;
  }
  static void OnDelivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    auto& status = static_cast<RawTransactionalProducer*>(opaque)->delivery_;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR && status.ok()) {
      status = absl::InternalError(absl::StrCat("delivery: ", rd_kafka_err2name(message->err)));
    }
  }
};

absl::StatusOr<std::unique_ptr<RawTransactionalProducer>> RawTransactionalProducer::Open(
    const std::string& brokers, const std::string& transactional_id,
    absl::Duration transaction_timeout) {
  std::unique_ptr<RawTransactionalProducer> producer(new RawTransactionalProducer());
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_opaque(conf, producer.get());
  rd_kafka_conf_set_stats_cb(conf, RawProducerCallbacks::OnStatistics);
  rd_kafka_conf_set_dr_msg_cb(conf, RawProducerCallbacks::OnDelivery);
  std::string problem;
  producer->client_ = NewClient(
      RD_KAFKA_PRODUCER, conf,
      {{"bootstrap.servers", brokers},
       {"transactional.id", transactional_id},
       {"transaction.timeout.ms", absl::StrCat(absl::ToInt64Milliseconds(transaction_timeout))},
       {"message.timeout.ms", absl::StrCat(absl::ToInt64Milliseconds(transaction_timeout))},
       {"statistics.interval.ms", "10"},
       {"linger.ms", "1"}},
      problem);
  if (producer->client_ == nullptr) return absl::InternalError(problem);
  WEIR_RETURN_IF_ERROR(TakeError(rd_kafka_init_transactions(producer->client_, kTimeoutMs),
                                 absl::StrCat("init_transactions of ", transactional_id)));
  producer->identity_ = {};
  for (int i = 0; producer->identity_.producer_id < 0; ++i) {
    if (i == 1000) return absl::InternalError("no producer id in the statistics");
    rd_kafka_poll(producer->client_, 10);
  }
  return producer;
}

RawTransactionalProducer::~RawTransactionalProducer() {
  for (const auto& [name, topic] : topics_) rd_kafka_topic_destroy(topic);
  if (client_ != nullptr) rd_kafka_destroy(client_);
}

absl::Status RawTransactionalProducer::Begin() {
  return TakeError(rd_kafka_begin_transaction(client_), "begin");
}

absl::Status RawTransactionalProducer::Produce(const kafka::TopicPartition& to,
                                               const std::vector<std::string>& values) {
  rd_kafka_topic_t*& topic = topics_[to.topic];
  if (topic == nullptr) topic = rd_kafka_topic_new(client_, to.topic.c_str(), nullptr);
  for (const std::string& value : values) {
    if (rd_kafka_produce(topic, to.partition, RD_KAFKA_MSG_F_COPY, const_cast<char*>(value.data()),
                         value.size(), nullptr, 0, nullptr) != 0) {
      return absl::InternalError(
          absl::StrCat("produce: ", rd_kafka_err2name(rd_kafka_last_error())));
    }
  }
  return absl::OkStatus();
}

absl::Status RawTransactionalProducer::SendMarker(const std::string& group,
                                                  const kafka::TopicPartition& at, int64_t offset,
                                                  const std::string& metadata) {
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_t* entry =
      rd_kafka_topic_partition_list_add(offsets, at.topic.c_str(), at.partition);
  entry->offset = offset;
  entry->metadata = const_cast<char*>(metadata.data());
  entry->metadata_size = metadata.size();
  rd_kafka_consumer_group_metadata_t* group_metadata =
      rd_kafka_consumer_group_metadata_new(group.c_str());
  rd_kafka_error_t* error =
      rd_kafka_send_offsets_to_transaction(client_, offsets, group_metadata, kTimeoutMs);
  entry->metadata = nullptr;  // ours
  entry->metadata_size = 0;
  rd_kafka_consumer_group_metadata_destroy(group_metadata);
  rd_kafka_topic_partition_list_destroy(offsets);
  return TakeError(error, "send_offsets_to_transaction");
}

absl::Status RawTransactionalProducer::Flush() {
  if (rd_kafka_flush(client_, kTimeoutMs) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return absl::UnavailableError("flush timed out");
  }
  return std::exchange(delivery_, absl::OkStatus());
}

absl::Status RawTransactionalProducer::Commit() {
  return TakeError(rd_kafka_commit_transaction(client_, kTimeoutMs), "commit");
}

absl::Status RawTransactionalProducer::Abort() {
  return TakeError(rd_kafka_abort_transaction(client_, kTimeoutMs), "abort");
}

absl::StatusOr<std::map<int64_t, std::string>> ReadUncommitted(const std::string& brokers,
                                                               const kafka::TopicPartition& from,
                                                               int64_t first_offset,
                                                               int64_t end_offset) {
  std::string problem;
  rd_kafka_t* client = NewClient(RD_KAFKA_CONSUMER, rd_kafka_conf_new(),
                                 {{"bootstrap.servers", brokers},
                                  {"group.id", "read-uncommitted"},
                                  {"enable.auto.commit", "false"},
                                  {"enable.partition.eof", "true"},
                                  {"isolation.level", "read_uncommitted"}},
                                 problem);
  if (client == nullptr) return absl::InternalError(problem);
  rd_kafka_topic_partition_list_t* assignment = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(assignment, from.topic.c_str(), from.partition)->offset =
      first_offset;
  rd_kafka_assign(client, assignment);
  rd_kafka_topic_partition_list_destroy(assignment);
  std::map<int64_t, std::string> values;
  absl::Status status = absl::UnavailableError("nothing comes");
  while (rd_kafka_message_t* message = rd_kafka_consumer_poll(client, 10000)) {
    const bool end =
        message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF || message->offset >= end_offset;
    if (end) status = absl::OkStatus();
    if (!end && message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      status = absl::InternalError(rd_kafka_err2name(message->err));
    }
    if (!end && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      values[message->offset].assign(static_cast<const char*>(message->payload), message->len);
    }
    const bool stop = end || message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_message_destroy(message);
    if (stop) break;
  }
  rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
  WEIR_RETURN_IF_ERROR(status);
  return values;
}

}  // namespace weir
