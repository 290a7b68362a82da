#include "connectors/kafka/rdkafka_producer.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/java_partitioning.h"
#include "connectors/kafka/rdkafka_handle.h"

namespace weir::kafka {
namespace {

void* Pointer(const Payload& payload) {
  static char empty = 0;  // librdkafka takes a null pointer for "no value"
  if (payload.null) return nullptr;
  return payload.data == nullptr ? &empty : const_cast<char*>(payload.data);
}

class RdKafkaProducer final : public KafkaProducerClient {
 public:
  RdKafkaProducer(std::string topic, std::function<void()> wakeup)
      : topic_name_(std::move(topic)), wakeup_(std::move(wakeup)) {}
  ~RdKafkaProducer() override;

  absl::Status Init(const ClientConfiguration& configuration);
  absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages,
                                 uint64_t account) override;
  absl::Status Poll(DeliveryListener& listener) override;
  std::optional<std::string> NoBrokerReason() const override;

 private:
  static void OnWakeup(rd_kafka_t*, void* opaque) {
    static_cast<RdKafkaProducer*>(opaque)->wakeup_();
  }
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  // Only for records with a key: those without are "sticky", which librdkafka does itself.
  static int32_t Partition(const rd_kafka_topic_t*, const void* key, size_t key_bytes,
                           int32_t partitions, void*, void*) {
    return PartitionForKey({static_cast<const char*>(key), key_bytes}, partitions);
  }

  absl::StatusOr<size_t> ProduceNow(std::span<const OutgoingMessage> messages, void* account);
  absl::StatusOr<size_t> ProduceWithTimes(std::span<const OutgoingMessage> messages, void* account);
  absl::Status ProduceError(rd_kafka_resp_err_t error) const;
  void ReportRun();

  std::string topic_name_;
  std::function<void()> wakeup_;
  std::unique_ptr<RdKafkaHandle> handle_;
  rd_kafka_topic_t* topic_ = nullptr;
  rd_kafka_queue_t* queue_ = nullptr;
  std::vector<rd_kafka_message_t> batch_;  // scratch of ProduceNow
  // During Poll: reports of one account are added up.
  DeliveryListener* listener_ = nullptr;
  uint64_t run_account_ = 0;
  size_t run_messages_ = 0;
  size_t run_bytes_ = 0;
};

absl::Status RdKafkaProducer::Init(const ClientConfiguration& configuration) {
  auto handle = RdKafkaHandle::Make(configuration, this, [](rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_dr_msg_cb(conf, &RdKafkaProducer::OnDelivery);
  });
  WEIR_ASSIGN_OR_RETURN(handle_, std::move(handle));
  rd_kafka_topic_conf_t* topic_conf = rd_kafka_default_topic_conf_dup(handle_->get());
  rd_kafka_topic_conf_set_partitioner_cb(topic_conf, &RdKafkaProducer::Partition);
  topic_ = rd_kafka_topic_new(handle_->get(), topic_name_.c_str(), topic_conf);
  if (topic_ == nullptr) {
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    return StatusFromRdKafka(error, absl::StrCat("Kafka topic '", topic_name_,
                                                 "' cannot be "
                                                 "opened: ",
                                                 RdKafkaErrorText(error)));
  }
  queue_ = rd_kafka_queue_get_main(handle_->get());
  rd_kafka_queue_cb_event_enable(queue_, &RdKafkaProducer::OnWakeup, this);
  return absl::OkStatus();
}

RdKafkaProducer::~RdKafkaProducer() {
  if (queue_ != nullptr) {
    rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
    rd_kafka_queue_destroy(queue_);
  }
  if (topic_ != nullptr) rd_kafka_topic_destroy(topic_);
}

absl::StatusOr<size_t> RdKafkaProducer::Produce(std::span<const OutgoingMessage> messages,
                                                uint64_t account) {
  WEIR_RETURN_IF_ERROR(handle_->status());
  bool now = true;
  for (const OutgoingMessage& message : messages) now = now && message.timestamp_ms == 0;
  void* opaque = reinterpret_cast<void*>(account);
  return now ? ProduceNow(messages, opaque) : ProduceWithTimes(messages, opaque);
}

absl::StatusOr<size_t> RdKafkaProducer::ProduceNow(std::span<const OutgoingMessage> messages,
                                                   void* account) {
  batch_.resize(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    const OutgoingMessage& message = messages[i];
    rd_kafka_message_t& entry = batch_[i];
    entry = {};
    entry.payload = Pointer(message.value);
    entry.len = message.value.size;
    entry.key = Pointer(message.key);
    entry.key_len = message.key.size;
    entry._private = account;
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

// rd_kafka_produce_batch has no timestamps.
absl::StatusOr<size_t> RdKafkaProducer::ProduceWithTimes(std::span<const OutgoingMessage> messages,
                                                         void* account) {
  constexpr size_t kArguments = 6;
  rd_kafka_vu_t arguments[kArguments] = {};
  arguments[0].vtype = RD_KAFKA_VTYPE_RKT;
  arguments[0].u.rkt = topic_;
  arguments[1].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  arguments[1].u.i = RD_KAFKA_MSG_F_COPY;
  arguments[2].vtype = RD_KAFKA_VTYPE_OPAQUE;
  arguments[2].u.ptr = account;
  arguments[3].vtype = RD_KAFKA_VTYPE_VALUE;
  arguments[4].vtype = RD_KAFKA_VTYPE_KEY;
  arguments[5].vtype = RD_KAFKA_VTYPE_TIMESTAMP;
  for (size_t i = 0; i < messages.size(); ++i) {
    const OutgoingMessage& message = messages[i];
    arguments[3].u.mem = {Pointer(message.value), message.value.size};
    arguments[4].u.mem = {Pointer(message.key), message.key.size};
    arguments[5].u.i64 = message.timestamp_ms;
    rd_kafka_error_t* error = rd_kafka_produceva(handle_->get(), arguments, kArguments);
    if (error == nullptr) continue;
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    rd_kafka_error_destroy(error);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) return i;
    return ProduceError(code);
  }
  return messages.size();
}

absl::Status RdKafkaProducer::ProduceError(rd_kafka_resp_err_t error) const {
  return StatusFromRdKafka(
      error, absl::StrCat("a record cannot be sent to Kafka topic '", topic_name_, "' on brokers ",
                          handle_->brokers(), ": ", RdKafkaErrorText(error)));
}

absl::Status RdKafkaProducer::Poll(DeliveryListener& listener) {
  listener_ = &listener;
  rd_kafka_poll(handle_->get(), 0);
  ReportRun();
  listener_ = nullptr;
  return handle_->status();
}

void RdKafkaProducer::ReportRun() {
  if (run_messages_ == 0) return;
  handle_->BrokerAnswered();
  listener_->OnDelivered(run_account_, run_messages_, run_bytes_);
  run_messages_ = 0;
  run_bytes_ = 0;
}

void RdKafkaProducer::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<RdKafkaProducer*>(static_cast<RdKafkaHandle*>(opaque)->owner());
  if (self->listener_ == nullptr) return;
  const uint64_t account = reinterpret_cast<uintptr_t>(message->_private);
  const size_t bytes = message->len + message->key_len;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && account == self->run_account_) {
    ++self->run_messages_;
    self->run_bytes_ += bytes;
    return;
  }
  self->ReportRun();
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    self->run_account_ = account;
    self->run_messages_ = 1;
    self->run_bytes_ = bytes;
    return;
  }
  const std::string partition =
      message->partition < 0 ? std::string() : absl::StrCat(", partition ", message->partition);
  const std::string& connection = self->handle_->connection_error();
  const bool timed_out = message->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
  self->listener_->OnFailed(
      account, bytes,
      StatusFromRdKafka(
          message->err,
          absl::StrCat("a record was not delivered to Kafka topic ", self->topic_name_, partition,
                       " on brokers ", self->handle_->brokers(), ": ",
                       RdKafkaErrorText(message->err),
                       timed_out && !connection.empty() ? absl::StrCat(" (", connection, ")")
                                                        : std::string())));
}

std::optional<std::string> RdKafkaProducer::NoBrokerReason() const {
  if (!handle_->all_brokers_down()) return std::nullopt;
  return std::string(handle_->NoBrokerError().message());
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeRdKafkaProducer(
    const ClientConfiguration& configuration, const std::string& topic,
    std::function<void()> wakeup) {
  auto producer = std::make_unique<RdKafkaProducer>(topic, std::move(wakeup));
  WEIR_RETURN_IF_ERROR(producer->Init(configuration));
  return std::unique_ptr<KafkaProducerClient>(std::move(producer));
}

}  // namespace weir::kafka
