#include "connectors/kafka/rdkafka_producer.h"

#include <librdkafka/rdkafka.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/rdkafka_handle.h"
#include "connectors/kafka/rdkafka_topic_sender.h"

namespace weir::kafka {
namespace {

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
  void ReportRun();

  std::string topic_name_;
  std::function<void()> wakeup_;
  std::unique_ptr<RdKafkaHandle> handle_;
  std::unique_ptr<RdKafkaTopicSender> sender_;
  rd_kafka_queue_t* queue_ = nullptr;
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
  WEIR_ASSIGN_OR_RETURN(sender_, RdKafkaTopicSender::Open(*handle_, topic_name_));
  queue_ = rd_kafka_queue_get_main(handle_->get());
  rd_kafka_queue_cb_event_enable(queue_, &RdKafkaProducer::OnWakeup, this);
  return absl::OkStatus();
}

RdKafkaProducer::~RdKafkaProducer() {
  if (queue_ != nullptr) {
    rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
    rd_kafka_queue_destroy(queue_);
  }
}

absl::StatusOr<size_t> RdKafkaProducer::Produce(std::span<const OutgoingMessage> messages,
                                                uint64_t account) {
  WEIR_RETURN_IF_ERROR(handle_->status());
  return sender_->Produce(messages, reinterpret_cast<void*>(account));
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
