#include "connectors/kafka/rdkafka_topic_sender.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/java_partitioning.h"

namespace weir::kafka {
namespace {

void* Pointer(const Payload& payload) {
  static char empty = 0;  // librdkafka takes a null pointer for "no value"
  if (payload.null) return nullptr;
  return payload.data == nullptr ? &empty : const_cast<char*>(payload.data);
}

rd_kafka_headers_t* MakeHeaders(const MessageHeaders& headers) {
  rd_kafka_headers_t* made = rd_kafka_headers_new(headers.size());
  for (const auto& [name, value] : headers) {
    rd_kafka_header_add(made, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return made;
}

// Only for records with a key: those without are "sticky", which librdkafka does itself.
int32_t Partition(const rd_kafka_topic_t*, const void* key, size_t key_bytes, int32_t partitions,
                  void*, void*) {
  return PartitionForKey({static_cast<const char*>(key), key_bytes}, partitions);
}

}  // namespace

RdKafkaTopicSender::RdKafkaTopicSender(const RdKafkaHandle& handle, std::string topic)
    : handle_(handle), name_(std::move(topic)) {}

absl::StatusOr<std::unique_ptr<RdKafkaTopicSender>> RdKafkaTopicSender::Open(
    const RdKafkaHandle& handle, const std::string& topic) {
  std::unique_ptr<RdKafkaTopicSender> sender(new RdKafkaTopicSender(handle, topic));
  rd_kafka_topic_conf_t* conf = rd_kafka_default_topic_conf_dup(handle.get());
  rd_kafka_topic_conf_set_partitioner_cb(conf, &Partition);
  sender->topic_ = rd_kafka_topic_new(handle.get(), topic.c_str(), conf);
  if (sender->topic_ == nullptr) {
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    return StatusFromRdKafka(error, absl::StrCat("Kafka topic '", topic,
                                                 "' cannot be opened: ", RdKafkaErrorText(error)));
  }
  return sender;
}

RdKafkaTopicSender::~RdKafkaTopicSender() {
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

absl::StatusOr<size_t> RdKafkaTopicSender::Produce(std::span<const OutgoingMessage> messages,
                                                   void* opaque) {
  bool plain = true;
  for (const OutgoingMessage& message : messages) {
    plain =
        plain && message.timestamp_ms == 0 && message.partition < 0 && message.headers == nullptr;
  }
  return plain ? ProduceBatch(messages, opaque) : ProduceEach(messages, opaque);
}

absl::StatusOr<size_t> RdKafkaTopicSender::ProduceBatch(std::span<const OutgoingMessage> messages,
                                                        void* opaque) {
  batch_.resize(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    const OutgoingMessage& message = messages[i];
    rd_kafka_message_t& entry = batch_[i];
    entry = {};
    entry.payload = Pointer(message.value);
    entry.len = message.value.size;
    entry.key = Pointer(message.key);
    entry.key_len = message.key.size;
    entry._private = opaque;
  }
  const int taken = rd_kafka_produce_batch(topic_, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                                           batch_.data(), static_cast<int>(batch_.size()));
  if (static_cast<size_t>(taken) == messages.size()) return messages.size();
  for (size_t i = 0; i < batch_.size(); ++i) {
    if (batch_[i].err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    // A full queue refuses everything from there on.
    if (batch_[i].err == RD_KAFKA_RESP_ERR__QUEUE_FULL) return i;
    return ProduceError(batch_[i].err);
  }
  return messages.size();
}

// rd_kafka_produce_batch has no timestamps and headers, and one partition or none for all.
absl::StatusOr<size_t> RdKafkaTopicSender::ProduceEach(std::span<const OutgoingMessage> messages,
                                                       void* opaque) {
  constexpr size_t kArguments = 8;
  rd_kafka_vu_t arguments[kArguments] = {};
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = topic_;
  arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[1].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[2].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[2].u.ptr = opaque;
  arguments[3].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[4].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  arguments[6].vtype = RD_KAFKA_VTYPE_PARTITION;
  arguments[7].vtype = RD_KAFKA_VTYPE_HEADERS;
  for (size_t i = 0; i < messages.size(); ++i) {
    const OutgoingMessage& message = messages[i];
    arguments[3].u.mem = {Pointer(message.value), message.value.size};
    arguments[4].u.mem = {Pointer(message.key), message.key.size};
    arguments[5].u.i64 = message.timestamp_ms;
    arguments[6].u.i32 = message.partition < 0 ? RD_KAFKA_PARTITION_UA : message.partition;
    arguments[7].u.headers = message.headers == nullptr ? nullptr : MakeHeaders(*message.headers);
    rd_kafka_error_t* error = rd_kafka_produceva(handle_.get(), arguments, kArguments);
    if (error == nullptr) continue;  // the headers are the message's now
    if (arguments[7].u.headers != nullptr) rd_kafka_headers_destroy(arguments[7].u.headers);
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return i;
    return ProduceError(code);
  }
  return messages.size();
}

absl::Status RdKafkaTopicSender::ProduceError(int error) const {
  return StatusFromRdKafka(
      error, absl::StrCat("a record cannot be sent to Kafka topic '", name_, "' on brokers ",
                          handle_.brokers(), ": ", RdKafkaErrorText(error)));
}

}  // namespace weir::kafka
