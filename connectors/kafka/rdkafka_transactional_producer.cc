#include "connectors/kafka/rdkafka_transactional_producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/rdkafka_handle.h"
#include "connectors/kafka/rdkafka_topic_sender.h"
#include "connectors/kafka/transactional/record_checksum.h"

namespace weir::kafka {
namespace {

// How long a call into librdkafka may take before we look whether we are cancelled.
constexpr absl::Duration kSlice = absl::Milliseconds(500);
// Between two attempts, where librdkafka does not wait itself.
constexpr int kRetryPollMs = 50;
// A topic that was just created may not be known to every broker yet.
constexpr absl::Duration kUnknownTopicGrace = absl::Seconds(10);
constexpr char kInterceptorName[] = "weir";

struct ErrorDeleter {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};
using ErrorPtr = std::unique_ptr<rd_kafka_error_t, ErrorDeleter>;

int Milliseconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(std::max(duration, absl::Milliseconds(1))));
}

bool IsFenced(int code) {
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/// Whether a request of one kind was sent again while nobody knew what had become of it. Requests
/// of the kind follow each other. Called by librdkafka's threads.
class RepeatWatch {
 public:
  explicit RepeatWatch(int16_t api_key) : api_key_(api_key) {}
  void OnSent(int16_t api_key) {
    if (api_key == api_key_ && awaits_answer_.exchange(true)) repeated_ = true;
  }
  // Called for requests that time out or lose their connection, too, and for answers twice.
  void OnResponse(int16_t api_key, rd_kafka_resp_err_t error) {
    if (api_key == api_key_ && error == RD_KAFKA_RESP_ERR_NO_ERROR) awaits_answer_ = false;
  }
  bool repeated() const { return repeated_ || awaits_answer_; }

 private:
  const int16_t api_key_;
  std::atomic<bool> awaits_answer_{false};  // all of a request is in the socket
  std::atomic<bool> repeated_{false};       // another one followed without an answer
};

class RdKafkaTransactionalProducer final : public KafkaTransactionalProducer {
 public:
  explicit RdKafkaTransactionalProducer(TransactionalProducerOptions options)
      : options_(std::move(options)) {}
  ~RdKafkaTransactionalProducer() override;

  absl::Status Make();

  absl::Status Begin(TransactionDeliveryListener& listener) override;
  absl::StatusOr<size_t> Produce(std::span<const OutgoingMessage> messages) override;
  absl::Status Poll() override;
  absl::Status Init(absl::Duration timeout) override;
  absl::Status Flush(absl::Duration timeout) override;
  absl::Status Commit(absl::Duration timeout) override;
  bool repeated() const override;

 private:
  static void OnWakeup(rd_kafka_t*, void* opaque) {
    static_cast<RdKafkaTransactionalProducer*>(opaque)->options_.wakeup();
  }
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque);
  // librdkafka repeats requests by itself, without a word: so they are watched.
  static rd_kafka_resp_err_t OnNew(rd_kafka_t* client, const rd_kafka_conf_t*, void* opaque, char*,
                                   size_t);
  static rd_kafka_resp_err_t OnRequestSent(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                           int16_t, int32_t, size_t, void* opaque);
  static rd_kafka_resp_err_t OnResponse(rd_kafka_t*, int, const char*, int32_t, int16_t api_key,
                                        int16_t, int32_t, size_t, int64_t,
                                        rd_kafka_resp_err_t error, void* opaque);

  void Deliver(const rd_kafka_message_t& message);
  absl::Status DeliveryError(const rd_kafka_message_t& message);
  void ReportRun();
  // Serves reports and errors for up to so long.
  void Serve(int timeout_ms);
  absl::Status WaitForTopic(absl::Duration deadline);

  // Runs `attempt` until it gives no error, one that trying again does not help, or the deadline.
  // It is told how long it may take.
  template <class Attempt>
  absl::Status Retry(const std::string& what, absl::Duration timeout, Attempt attempt);
  bool Cancelled() const { return options_.cancelled->load(std::memory_order_relaxed); }
  absl::Status CancelledError(const std::string& what) const;
  absl::Status DeadlineError(const std::string& what, const std::string& reason) const;
  absl::Status ErrorStatus(const std::string& what, const rd_kafka_error_t& error) const;
  // "Kafka transaction 'id' on brokers b"
  std::string Name() const;

  const TransactionalProducerOptions options_;
  const SystemClock clock_;
  std::string transactional_id_;
  // Of what changes a transaction, and would change the next one when it came late:
  // InitProducerId, AddPartitionsToTxn and EndTxn.
  std::array<RepeatWatch, 3> watches_{RepeatWatch(22), RepeatWatch(24), RepeatWatch(26)};
  std::unique_ptr<RdKafkaHandle> handle_;
  std::unique_ptr<RdKafkaTopicSender> sender_;
  rd_kafka_queue_t* queue_ = nullptr;
  TransactionDeliveryListener* listener_ = nullptr;
  DeliveredRun run_;  // reports of one partition, added up
};

absl::Status RdKafkaTransactionalProducer::Make() {
  const auto& values = options_.configuration.values;
  const auto id = values.find("transactional.id");
  if (id == values.end() || id->second.empty()) {
    return absl::InternalError("a transactional producer without a transactional id");
  }
  transactional_id_ = id->second;
  auto handle = RdKafkaHandle::Make(options_.configuration, this, [this](rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_dr_msg_cb(conf, &RdKafkaTransactionalProducer::OnDelivery);
    rd_kafka_conf_interceptor_add_on_new(conf, kInterceptorName,
                                         &RdKafkaTransactionalProducer::OnNew, this);
  });
  WEIR_ASSIGN_OR_RETURN(handle_, std::move(handle));
  WEIR_ASSIGN_OR_RETURN(sender_, RdKafkaTopicSender::Open(*handle_, options_.topic));
  queue_ = rd_kafka_queue_get_main(handle_->get());
  rd_kafka_queue_cb_event_enable(queue_, &RdKafkaTransactionalProducer::OnWakeup, this);
  return absl::OkStatus();
}

RdKafkaTransactionalProducer::~RdKafkaTransactionalProducer() {
  if (queue_ == nullptr) return;
  rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
  rd_kafka_queue_destroy(queue_);
}

rd_kafka_resp_err_t RdKafkaTransactionalProducer::OnNew(rd_kafka_t* client, const rd_kafka_conf_t*,
                                                        void* opaque, char*, size_t) {
  const rd_kafka_resp_err_t error = rd_kafka_interceptor_add_on_request_sent(
      client, kInterceptorName, &RdKafkaTransactionalProducer::OnRequestSent, opaque);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return error;
  return rd_kafka_interceptor_add_on_response_received(
      client, kInterceptorName, &RdKafkaTransactionalProducer::OnResponse, opaque);
}

rd_kafka_resp_err_t RdKafkaTransactionalProducer::OnRequestSent(rd_kafka_t*, int, const char*,
                                                                int32_t, int16_t api_key, int16_t,
                                                                int32_t, size_t, void* opaque) {
  auto* self = static_cast<RdKafkaTransactionalProducer*>(opaque);
  for (RepeatWatch& watch : self->watches_) watch.OnSent(api_key);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

rd_kafka_resp_err_t RdKafkaTransactionalProducer::OnResponse(rd_kafka_t*, int, const char*, int32_t,
                                                             int16_t api_key, int16_t, int32_t,
                                                             size_t, int64_t,
                                                             rd_kafka_resp_err_t error,
                                                             void* opaque) {
  auto* self = static_cast<RdKafkaTransactionalProducer*>(opaque);
  for (RepeatWatch& watch : self->watches_) watch.OnResponse(api_key, error);
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

std::string RdKafkaTransactionalProducer::Name() const {
  return absl::StrCat("Kafka transaction '", transactional_id_, "' on brokers ",
                      handle_->brokers());
}

absl::Status RdKafkaTransactionalProducer::CancelledError(const std::string& what) const {
  return absl::CancelledError(absl::StrCat(Name(), ": ", what, " was cancelled"));
}

absl::Status RdKafkaTransactionalProducer::DeadlineError(const std::string& what,
                                                         const std::string& reason) const {
  const std::string& connection = handle_->connection_error();
  return absl::DeadlineExceededError(
      absl::StrCat(Name(), ": ", what, " took too long", reason.empty() ? "" : ": ", reason,
                   connection.empty() ? "" : absl::StrCat(" (", connection, ")")));
}

absl::Status RdKafkaTransactionalProducer::ErrorStatus(const std::string& what,
                                                       const rd_kafka_error_t& error) const {
  const int code = rd_kafka_error_code(&error);
  const std::string message =
      absl::StrCat(Name(), ": ", what, " failed: ", rd_kafka_error_string(&error));
  if (IsFenced(code)) return absl::AbortedError(message);
  if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED) {
    return absl::PermissionDeniedError(message);
  }
  return StatusFromRdKafka(code, message);
}

template <class Attempt>
absl::Status RdKafkaTransactionalProducer::Retry(const std::string& what, absl::Duration timeout,
                                                 Attempt attempt) {
  const absl::Duration deadline = clock_.Monotonic() + timeout;
  while (true) {
    if (Cancelled()) return CancelledError(what);
    WEIR_RETURN_IF_ERROR(handle_->status());
    const ErrorPtr error(attempt(deadline - clock_.Monotonic()));
    ReportRun();
    if (error == nullptr) return absl::OkStatus();
    if (rd_kafka_error_is_retriable(error.get()) == 0) return ErrorStatus(what, *error);
    if (clock_.Monotonic() >= deadline) {
      return DeadlineError(what, rd_kafka_error_string(error.get()));
    }
    Serve(kRetryPollMs);
  }
}

absl::Status RdKafkaTransactionalProducer::Init(absl::Duration timeout) {
  const absl::Duration deadline = clock_.Monotonic() + timeout;
  WEIR_RETURN_IF_ERROR(Retry("opening it", timeout, [this](absl::Duration left) {
    return rd_kafka_init_transactions(handle_->get(), Milliseconds(std::min(left, kSlice)));
  }));
  return WaitForTopic(deadline);
}

// Records of an unknown topic would fail only after a while, and their marker, too.
absl::Status RdKafkaTransactionalProducer::WaitForTopic(absl::Duration deadline) {
  const absl::Duration known_by = clock_.Monotonic() + kUnknownTopicGrace;
  while (true) {
    const std::string what = absl::StrCat("asking for topic '", options_.topic, "'");
    if (Cancelled()) return CancelledError(what);
    const rd_kafka_metadata_t* metadata = nullptr;
    rd_kafka_resp_err_t error =
        rd_kafka_metadata(handle_->get(), 0, sender_->get(), &metadata, Milliseconds(kSlice));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt > 0) {
      error = metadata->topics[0].err;
    }
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    const absl::Status status =
        StatusFromRdKafka(error, absl::StrCat(Name(), ": ", what, ": ", RdKafkaErrorText(error)));
    const absl::Duration now = clock_.Monotonic();
    const bool wait = (absl::IsNotFound(status) && now < known_by) || absl::IsUnavailable(status);
    if (!wait) return status;
    if (now >= deadline) return DeadlineError(what, RdKafkaErrorText(error));
    Serve(kRetryPollMs);
    WEIR_RETURN_IF_ERROR(handle_->status());
  }
}

absl::Status RdKafkaTransactionalProducer::Begin(TransactionDeliveryListener& listener) {
  WEIR_RETURN_IF_ERROR(handle_->status());
  const ErrorPtr error(rd_kafka_begin_transaction(handle_->get()));
  if (error != nullptr) return ErrorStatus("beginning it", *error);
  listener_ = &listener;
  return absl::OkStatus();
}

absl::StatusOr<size_t> RdKafkaTransactionalProducer::Produce(
    std::span<const OutgoingMessage> messages) {
  WEIR_RETURN_IF_ERROR(handle_->status());
  return sender_->Produce(messages, nullptr);
}

absl::Status RdKafkaTransactionalProducer::Poll() {
  Serve(0);
  return handle_->status();
}

absl::Status RdKafkaTransactionalProducer::Flush(absl::Duration timeout) {
  const absl::Duration deadline = clock_.Monotonic() + timeout;
  while (true) {
    const absl::Duration left = deadline - clock_.Monotonic();
    const rd_kafka_resp_err_t error =
        rd_kafka_flush(handle_->get(), Milliseconds(std::min(left, kSlice)));
    ReportRun();
    WEIR_RETURN_IF_ERROR(handle_->status());
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
    if (Cancelled()) return CancelledError("delivering its records");
    if (left <= absl::ZeroDuration()) {
      return DeadlineError("delivering its records", RdKafkaErrorText(error));
    }
  }
}

absl::Status RdKafkaTransactionalProducer::Commit(absl::Duration timeout) {
  return Retry("committing it", timeout, [this](absl::Duration left) {
    return rd_kafka_commit_transaction(handle_->get(), Milliseconds(std::min(left, kSlice)));
  });
}

bool RdKafkaTransactionalProducer::repeated() const {
  return std::any_of(watches_.begin(), watches_.end(),
                     [](const RepeatWatch& watch) { return watch.repeated(); });
}

void RdKafkaTransactionalProducer::Serve(int timeout_ms) {
  rd_kafka_poll(handle_->get(), timeout_ms);
  ReportRun();
}

void RdKafkaTransactionalProducer::ReportRun() {
  if (run_.messages == 0) return;
  handle_->BrokerAnswered();
  listener_->OnDelivered(run_);
  run_ = DeliveredRun();
}

void RdKafkaTransactionalProducer::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message,
                                              void* opaque) {
  auto* self =
      static_cast<RdKafkaTransactionalProducer*>(static_cast<RdKafkaHandle*>(opaque)->owner());
  if (self->listener_ != nullptr) self->Deliver(*message);
}

void RdKafkaTransactionalProducer::Deliver(const rd_kafka_message_t& message) {
  const size_t bytes = message.len + message.key_len;
  const bool delivered = message.err == RD_KAFKA_RESP_ERR_NO_ERROR && message.offset >= 0;
  if (!delivered || message.partition != run_.partition) ReportRun();
  if (!delivered) {
    listener_->OnFailed(bytes, DeliveryError(message));
    return;
  }
  if (run_.messages == 0) {
    run_.partition = message.partition;
    run_.first_offset = message.offset;
    run_.last_offset = message.offset;
  }
  run_.first_offset = std::min(run_.first_offset, message.offset);
  run_.last_offset = std::max(run_.last_offset, message.offset);
  ++run_.messages;
  run_.bytes += bytes;
  const Payload key{static_cast<const char*>(message.key), message.key_len, message.key == nullptr};
  const Payload value{static_cast<const char*>(message.payload), message.len,
                      message.payload == nullptr};
  run_.checksum += RecordChecksum(key, value);
}

absl::Status RdKafkaTransactionalProducer::DeliveryError(const rd_kafka_message_t& message) {
  const std::string where =
      message.partition < 0 ? std::string() : absl::StrCat(", partition ", message.partition);
  const std::string what =
      absl::StrCat("a record was not delivered to Kafka topic '", options_.topic, "'", where,
                   " on brokers ", handle_->brokers(), ": ");
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    // After DUPLICATE_SEQUENCE_NUMBER; without its place the record could not be replayed.
    return absl::UnavailableError(absl::StrCat(what, "the broker did not say where it is"));
  }
  if (message.err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
      message.err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT) {
    // The whole transaction has failed; in that state every call answers with the reason.
    const ErrorPtr reason(rd_kafka_begin_transaction(handle_->get()));
    if (reason != nullptr && (rd_kafka_error_txn_requires_abort(reason.get()) != 0 ||
                              rd_kafka_error_is_fatal(reason.get()) != 0)) {
      return ErrorStatus("it", *reason);
    }
  }
  return StatusFromRdKafka(message.err, absl::StrCat(what, RdKafkaErrorText(message.err)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeRdKafkaTransactionalProducer(
    const TransactionalProducerOptions& options) {
  auto producer = std::make_unique<RdKafkaTransactionalProducer>(options);
  WEIR_RETURN_IF_ERROR(producer->Make());
  return std::unique_ptr<KafkaTransactionalProducer>(std::move(producer));
}

}  // namespace weir::kafka
