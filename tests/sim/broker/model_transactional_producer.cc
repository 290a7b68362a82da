#include "tests/sim/broker/model_transactional_producer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/java_partitioning.h"
#include "connectors/kafka/transactional/record_checksum.h"
#include "tests/sim/broker/model_transaction_client.h"

namespace weir::sim {

using kafka::KafkaError;
using kafka::TopicPartition;

namespace {

absl::Duration TransactionTimeout(const kafka::ClientConfiguration& configuration) {
  const auto entry = configuration.values.find("transaction.timeout.ms");
  int64_t timeout_ms = 60'000;
  if (entry != configuration.values.end()) {
    WEIR_CHECK(absl::SimpleAtoi(entry->second, &timeout_ms)) << entry->second;
  }
  return absl::Milliseconds(timeout_ms);
}

std::optional<std::string> Bytes(const Payload& payload) {
  if (payload.null) return std::nullopt;
  return std::string(payload.data == nullptr ? "" : payload.data, payload.size);
}

}  // namespace

/// What goes on in the background: queues of the partitions, one request of each on its way.
class ModelTransactionalProducer::Sender : public std::enable_shared_from_this<Sender> {
 public:
  struct Report {
    absl::Status error;
    kafka::DeliveredRun run;
  };

  Sender(TransactionBroker& broker, BrokerLink& link, std::string transactional_id,
         absl::Duration timeout, std::function<void()> wakeup)
      : id(std::move(transactional_id)),
        transaction_timeout(timeout),
        broker_(broker),
        link_(link),
        wakeup_(std::move(wakeup)) {}

  void Enqueue(const TopicPartition& partition, const kafka::OutgoingMessage& message) {
    Queue& queue = queues_[partition];
    if (queue.waiting.records.empty()) queue.waiting.sequence = queue.next_sequence;
    ++queue.next_sequence;
    ++outstanding;
    queue.waiting.bytes += message.key.size + message.value.size;
    queue.waiting.checksum += kafka::RecordChecksum(message.key, message.value);
    queue.waiting.records.push_back(
        {Bytes(message.key), Bytes(message.value), message.timestamp_ms});
  }
  void SendWaiting() {
    std::vector<TopicPartition> partitions;
    for (const auto& [partition, queue] : queues_) partitions.push_back(partition);
    for (const TopicPartition& partition : partitions) Send(partition);
  }
  void Fail(const absl::Status& why) {
    if (error.ok()) error = why;
  }

  const std::string id;
  const absl::Duration transaction_timeout;
  kafka::ProducerIdAndEpoch producer;
  std::set<TopicPartition> added;  // to the transaction that is open
  bool in_transaction = false;
  bool repeated = false;  // a request that would change a later transaction if it came late
  bool closed = false;
  size_t outstanding = 0;  // messages without a report
  std::vector<Report> reports;
  absl::Status error;  // sticky

 private:
  struct RecordBatch {
    int32_t sequence = 0;
    std::vector<LoggedRecord> records;
    size_t bytes = 0;
    uint64_t checksum = 0;
  };
  struct Queue {
    RecordBatch waiting;
    int32_t next_sequence = 0;
    bool busy = false;
  };

  void Send(const TopicPartition& partition);
  void SendBatch(const TopicPartition& partition, const std::shared_ptr<const RecordBatch>& batch);
  void Ended(const TopicPartition& partition, const RecordBatch& batch, const absl::Status& status,
             int64_t first_offset);

  TransactionBroker& broker_;
  BrokerLink& link_;
  const std::function<void()> wakeup_;
  std::map<TopicPartition, Queue> queues_;
};

void ModelTransactionalProducer::Sender::Send(const TopicPartition& partition) {
  Queue& queue = queues_[partition];
  if (queue.busy || queue.waiting.records.empty() || closed) return;
  queue.busy = true;
  const auto batch = std::make_shared<const RecordBatch>(std::exchange(queue.waiting, {}));
  if (added.count(partition) > 0) return SendBatch(partition, batch);
  BrokerCall call;
  call.what = absl::StrCat("adding a partition to transaction ", id);
  call.timeout = transaction_timeout;
  call.request = [self = shared_from_this(), partition] {
    return self->broker_.AddPartitions(self->id, self->producer, {partition});
  };
  call.cancelled = [self = shared_from_this()] { return self->closed; };
  link_.Send(call, [self = shared_from_this(), partition, batch](const BrokerAnswer& answer) {
    self->repeated = self->repeated || answer.unanswered > 0;
    const absl::Status status = StatusOfAnswer(answer, "adding a partition");
    if (!status.ok()) return self->Ended(partition, *batch, status, -1);
    self->added.insert(partition);
    self->SendBatch(partition, batch);
  });
}

void ModelTransactionalProducer::Sender::SendBatch(
    const TopicPartition& partition, const std::shared_ptr<const RecordBatch>& batch) {
  const auto first_offset = std::make_shared<int64_t>(-1);
  BrokerCall call;
  call.what = absl::StrCat("records of transaction ", id);
  call.timeout = transaction_timeout;
  call.request = [self = shared_from_this(), partition, batch, first_offset] {
    return self->broker_.Produce(self->id, self->producer, partition, batch->sequence,
                                 batch->records, first_offset.get());
  };
  call.cancelled = [self = shared_from_this()] { return self->closed; };
  link_.Send(call, [self = shared_from_this(), partition, batch,
                    first_offset](const BrokerAnswer& answer) {
    self->Ended(partition, *batch, StatusOfAnswer(answer, "records"), *first_offset);
  });
}

void ModelTransactionalProducer::Sender::Ended(const TopicPartition& partition,
                                               const RecordBatch& batch, const absl::Status& status,
                                               int64_t first_offset) {
  queues_[partition].busy = false;
  if (closed) return;
  outstanding -= batch.records.size();
  Report& report = reports.emplace_back();
  report.error = status;
  report.run = {partition.partition,
                first_offset,
                first_offset + static_cast<int64_t>(batch.records.size()) - 1,
                batch.records.size(),
                batch.bytes,
                batch.checksum};
  if (!status.ok()) Fail(status);
  Send(partition);
  wakeup_();
}

ModelTransactionalProducer::ModelTransactionalProducer(TransactionBroker& broker, BrokerLink& link,
                                                       kafka::TransactionalProducerOptions options)
    : broker_(broker),
      link_(link),
      options_(std::move(options)),
      sender_(std::make_shared<Sender>(
          broker, link, options_.configuration.values.at("transactional.id"),
          TransactionTimeout(options_.configuration), options_.wakeup)) {}

ModelTransactionalProducer::~ModelTransactionalProducer() { sender_->closed = true; }

BrokerCall ModelTransactionalProducer::MakeCall(const std::string& what,
                                                absl::Duration timeout) const {
  BrokerCall call;
  call.what = absl::StrCat("Kafka transaction '", sender_->id, "': ", what);
  call.timeout = timeout;
  call.cancelled = [flag = options_.cancelled] { return flag->load(); };
  return call;
}

absl::Status ModelTransactionalProducer::DoWatched(BrokerCall call) {
  bool repeated = false;
  const absl::Status status = Do(std::move(call), &repeated);
  sender_->repeated = sender_->repeated || repeated;
  return status;
}

absl::Status ModelTransactionalProducer::Do(BrokerCall call, bool* repeated) {
  const std::string what = call.what;
  const BrokerAnswer answer = link_.Do(std::move(call));
  if (repeated != nullptr) *repeated = answer.unanswered > 0;
  const absl::Status status = StatusOfAnswer(answer, what);
  if (answer.status.ok() && !status.ok()) sender_->Fail(status);
  return status;
}

absl::Status ModelTransactionalProducer::Init(absl::Duration timeout) {
  const auto producer = std::make_shared<kafka::ProducerIdAndEpoch>();
  BrokerCall call = MakeCall("opening it", timeout);
  call.request = [&broker = broker_, id = sender_->id, limit = sender_->transaction_timeout,
                  producer] { return broker.InitProducerId(id, limit, producer.get()); };
  WEIR_RETURN_IF_ERROR(DoWatched(std::move(call)));
  sender_->producer = *producer;
  if (broker_.Partitions(options_.topic) > 0) return absl::OkStatus();
  return absl::NotFoundError(absl::StrCat("Kafka transaction '", sender_->id, "': topic '",
                                          options_.topic, "' does not exist"));
}

absl::Status ModelTransactionalProducer::Begin(kafka::TransactionDeliveryListener& listener) {
  WEIR_RETURN_IF_ERROR(sender_->error);
  if (sender_->in_transaction || sender_->producer.producer_id < 0) {
    return absl::InternalError(
        absl::StrCat("Kafka transaction '", sender_->id, "': beginning it where it cannot begin"));
  }
  sender_->in_transaction = true;
  listener_ = &listener;
  return absl::OkStatus();
}

absl::StatusOr<size_t> ModelTransactionalProducer::Produce(
    std::span<const kafka::OutgoingMessage> messages) {
  WEIR_RETURN_IF_ERROR(sender_->error);
  WEIR_CHECK(sender_->in_transaction) << sender_->id;
  size_t taken = 0;
  for (; taken < messages.size() && sender_->outstanding < kQueue; ++taken) {
    const kafka::OutgoingMessage& message = messages[taken];
    int32_t partition = std::max(message.partition, 0);
    if (message.partition < 0 && !message.key.null) {
      partition = kafka::PartitionForKey({message.key.data, message.key.size},
                                         broker_.Partitions(options_.topic));
    }
    sender_->Enqueue({options_.topic, partition}, message);
  }
  sender_->SendWaiting();
  return taken;
}

absl::Status ModelTransactionalProducer::Poll() {
  for (const Sender::Report& report : std::exchange(sender_->reports, {})) {
    if (report.error.ok()) {
      listener_->OnDelivered(report.run);
      continue;
    }
    for (size_t i = 0; i < report.run.messages; ++i) {
      const bool last = i + 1 == report.run.messages;
      const size_t share = report.run.bytes / report.run.messages;
      listener_->OnFailed(last ? report.run.bytes - share * i : share, report.error);
    }
  }
  return absl::IsAborted(sender_->error) ? sender_->error : absl::OkStatus();
}

absl::Status ModelTransactionalProducer::Flush(absl::Duration timeout) {
  if (sender_->outstanding > 0) {
    BrokerCall call = MakeCall("delivering its records", timeout);
    call.local = true;
    call.backoff = absl::Milliseconds(1);
    call.max_backoff = absl::Milliseconds(50);
    call.request = [sender = sender_] {
      return sender->outstanding == 0 ? KafkaError::kNone : KafkaError::kRequestTimedOut;
    };
    const absl::Status status = Do(std::move(call));
    if (!status.ok()) return status;
  }
  return Poll();
}

bool ModelTransactionalProducer::repeated() const { return sender_->repeated; }

absl::Status ModelTransactionalProducer::Commit(absl::Duration timeout) {
  WEIR_RETURN_IF_ERROR(Flush(timeout));
  WEIR_RETURN_IF_ERROR(sender_->error);
  if (!sender_->added.empty()) {
    BrokerCall call = MakeCall("committing it", timeout);
    call.request = [&broker = broker_, id = sender_->id, producer = sender_->producer] {
      return broker.EndTransaction(id, producer, kafka::TransactionResult::kCommit);
    };
    WEIR_RETURN_IF_ERROR(DoWatched(std::move(call)));
  }
  sender_->added.clear();
  sender_->in_transaction = false;
  return absl::OkStatus();
}

}  // namespace weir::sim
