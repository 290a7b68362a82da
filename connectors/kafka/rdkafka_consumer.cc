#include "connectors/kafka/rdkafka_consumer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "connectors/kafka/rdkafka_handle.h"

namespace weir::kafka {
namespace {

// How long destruction waits for commits that are under way: a bounded job ends right after its
// last checkpoint, whose offsets observers want to see.
constexpr int kCommitWaitStepMs = 20;
constexpr int kCommitWaitSteps = 25;

struct PartitionListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, PartitionListDeleter>;

PartitionList MakeList(const std::vector<PartitionOffset>& partitions) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const PartitionOffset& at : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset =
        at.offset;
  }
  return list;
}

Payload View(const void* data, size_t size) {
  return {static_cast<const char*>(data), size, data == nullptr};
}

MessageHeaders HeadersOf(const rd_kafka_message_t& message) {
  MessageHeaders result;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return result;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0;
       rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    // Null and empty are one here.
    result.emplace_back(name, value == nullptr
                                  ? std::string()
                                  : std::string(static_cast<const char*>(value), size));
  }
  return result;
}

class RdKafkaConsumer final : public KafkaConsumerClient {
 public:
  RdKafkaConsumer(std::function<void()> wakeup, bool headers)
      : wakeup_(std::move(wakeup)), headers_(headers) {}
  ~RdKafkaConsumer() override;

  absl::Status Init(const ClientConfiguration& configuration);
  absl::Status Assign(const std::vector<PartitionOffset>& partitions) override;
  absl::Status Unassign(size_t assignment) override;
  absl::Status Consume(size_t max, ConsumedBatch* out) override;
  int64_t Position(size_t assignment) override;
  int64_t EndOffset(size_t assignment) override;
  void CommitOffsets(const std::vector<PartitionOffset>& offsets) override;
  CommitCounts commit_counts() const override { return commit_counts_; }

 private:
  struct Assigned {
    PartitionOffset start;
    int64_t end_of_partition = -1;  // the highest offset that was reported as the end
    bool active = true;
  };

  static void OnWakeup(rd_kafka_t*, void* opaque) {
    static_cast<RdKafkaConsumer*>(opaque)->wakeup_();
  }
  static void OnCommitted(rd_kafka_t* client, rd_kafka_resp_err_t error,
                          rd_kafka_topic_partition_list_t* offsets, void* opaque);

  void ReleaseMessages();
  // -1 when the partition is not assigned (any more).
  int64_t AssignmentOf(const rd_kafka_message_t& message);
  absl::Status TakeError(const rd_kafka_message_t& message);

  std::function<void()> wakeup_;
  const bool headers_;
  std::unique_ptr<RdKafkaHandle> handle_;
  rd_kafka_queue_t* queue_ = nullptr;
  std::vector<Assigned> assigned_;
  std::map<TopicPartition, size_t> assignment_of_;
  std::vector<rd_kafka_message_t*> held_;  // what the views of the last Consume point into
  size_t held_count_ = 0;
  // The partition of the last message: messages come in runs.
  const rd_kafka_topic_t* run_topic_ = nullptr;
  int32_t run_partition_ = -1;
  int64_t run_assignment_ = -1;
  int commits_under_way_ = 0;
  CommitCounts commit_counts_;
};

absl::Status RdKafkaConsumer::Init(const ClientConfiguration& configuration) {
  auto handle = RdKafkaHandle::Make(configuration, this, [](rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_offset_commit_cb(conf, &RdKafkaConsumer::OnCommitted);
  });
  WEIR_ASSIGN_OR_RETURN(handle_, std::move(handle));
  // From here on all events of the client come through the consumer's queue.
  rd_kafka_poll_set_consumer(handle_->get());
  queue_ = rd_kafka_queue_get_consumer(handle_->get());
  rd_kafka_queue_cb_event_enable(queue_, &RdKafkaConsumer::OnWakeup, this);
  return absl::OkStatus();
}

RdKafkaConsumer::~RdKafkaConsumer() {
  ReleaseMessages();
  if (queue_ == nullptr) return;
  rd_kafka_queue_cb_event_enable(queue_, nullptr, nullptr);
  for (int i = 0; i < kCommitWaitSteps && commits_under_way_ > 0; ++i) {
    rd_kafka_message_t* message = nullptr;
    // Messages count against the batch, so an endless stream of them ends the loop, too.
    if (rd_kafka_consume_batch_queue(queue_, kCommitWaitStepMs, &message, 1) == 1) {
      rd_kafka_message_destroy(message);
    }
  }
  rd_kafka_queue_destroy(queue_);
}

absl::Status RdKafkaConsumer::Assign(const std::vector<PartitionOffset>& partitions) {
  if (partitions.empty()) return absl::OkStatus();
  const bool first = assigned_.empty();
  for (const PartitionOffset& at : partitions) {
    assignment_of_[{at.topic, at.partition}] = assigned_.size();
    assigned_.push_back({at});
  }
  run_topic_ = nullptr;
  const PartitionList list = MakeList(partitions);
  if (first) {
    const rd_kafka_resp_err_t error = rd_kafka_assign(handle_->get(), list.get());
    return StatusFromRdKafka(
        error, absl::StrCat("partitions cannot be assigned: ", RdKafkaErrorText(error)));
  }
  rd_kafka_error_t* error = rd_kafka_incremental_assign(handle_->get(), list.get());
  if (error == nullptr) return absl::OkStatus();
  const absl::Status status = absl::InternalError(
      absl::StrCat("partitions cannot be added: ", rd_kafka_error_string(error)));
  rd_kafka_error_destroy(error);
  return status;
}

absl::Status RdKafkaConsumer::Unassign(size_t assignment) {
  Assigned& assigned = assigned_[assignment];
  if (!assigned.active) return absl::OkStatus();
  assigned.active = false;
  run_topic_ = nullptr;
  const PartitionList list = MakeList({assigned.start});
  rd_kafka_error_t* error = rd_kafka_incremental_unassign(handle_->get(), list.get());
  if (error == nullptr) return absl::OkStatus();
  const absl::Status status = absl::InternalError(
      absl::StrCat("a partition cannot be unassigned: ", rd_kafka_error_string(error)));
  rd_kafka_error_destroy(error);
  return status;
}

void RdKafkaConsumer::ReleaseMessages() {
  for (size_t i = 0; i < held_count_; ++i) rd_kafka_message_destroy(held_[i]);
  held_count_ = 0;
}

int64_t RdKafkaConsumer::AssignmentOf(const rd_kafka_message_t& message) {
  if (message.rkt == run_topic_ && message.partition == run_partition_) return run_assignment_;
  if (message.rkt == nullptr) return -1;
  run_topic_ = message.rkt;
  run_partition_ = message.partition;
  const auto found = assignment_of_.find({rd_kafka_topic_name(message.rkt), message.partition});
  run_assignment_ = found == assignment_of_.end() || !assigned_[found->second].active
                        ? -1
                        : static_cast<int64_t>(found->second);
  return run_assignment_;
}

absl::Status RdKafkaConsumer::Consume(size_t max, ConsumedBatch* out) {
  ReleaseMessages();
  out->messages.clear();
  out->headers.clear();
  held_.resize(std::max(max, held_.size()));
  const ssize_t count = rd_kafka_consume_batch_queue(queue_, 0, held_.data(), max);
  if (!handle_->status().ok()) return handle_->status();
  if (count < 0) {
    return absl::InternalError(
        absl::StrCat("consuming failed: ", RdKafkaErrorText(rd_kafka_last_error())));
  }
  held_count_ = static_cast<size_t>(count);
  out->messages.reserve(held_count_);
  for (size_t i = 0; i < held_count_; ++i) {
    const rd_kafka_message_t& message = *held_[i];
    if (message.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      WEIR_RETURN_IF_ERROR(TakeError(message));
      continue;
    }
    const int64_t assignment = AssignmentOf(message);
    if (assignment < 0) continue;
    rd_kafka_timestamp_type_t type = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    const int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
    out->messages.push_back({static_cast<size_t>(assignment), message.offset,
                             type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp,
                             View(message.key, message.key_len),
                             View(message.payload, message.len)});
    if (headers_) out->headers.push_back(HeadersOf(message));
  }
  return absl::OkStatus();
}

absl::Status RdKafkaConsumer::TakeError(const rd_kafka_message_t& message) {
  const int64_t assignment = AssignmentOf(message);
  const std::string text = message.payload == nullptr
                               ? RdKafkaErrorText(message.err)
                               : std::string(static_cast<const char*>(message.payload));
  if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    if (assignment >= 0) {
      int64_t& end = assigned_[static_cast<size_t>(assignment)].end_of_partition;
      end = std::max(end, message.offset);
    }
    return absl::OkStatus();
  }
  const std::string where = message.rkt == nullptr
                                ? std::string()
                                : absl::StrCat("topic ", rd_kafka_topic_name(message.rkt),
                                               ", partition ", message.partition, ": ");
  const absl::Status status =
      StatusFromRdKafka(message.err, absl::StrCat("reading from Kafka, ", where, text));
  switch (status.code()) {
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      // Errors of a partition that was given back come late.
      if (message.rkt != nullptr && message.partition >= 0 && assignment < 0) break;
      return status;
    default:
      break;
  }
  LogWarning("Kafka consumer", {{"brokers", handle_->brokers()}, {"error", status}});
  return absl::OkStatus();
}

int64_t RdKafkaConsumer::Position(size_t assignment) {
  const Assigned& assigned = assigned_[assignment];
  const PartitionList list = MakeList({assigned.start});
  if (rd_kafka_position(handle_->get(), list.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) return -1;
  // Negative: nothing was read yet.
  const int64_t position = list->elems[0].offset < 0 ? -1 : list->elems[0].offset;
  return std::max(position, assigned.end_of_partition);
}

int64_t RdKafkaConsumer::EndOffset(size_t assignment) {
  const PartitionOffset& at = assigned_[assignment].start;
  int64_t low = -1;
  int64_t high = -1;
  const rd_kafka_resp_err_t error =
      rd_kafka_get_watermark_offsets(handle_->get(), at.topic.c_str(), at.partition, &low, &high);
  return error == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : -1;
}

void RdKafkaConsumer::CommitOffsets(const std::vector<PartitionOffset>& offsets) {
  if (offsets.empty()) return;
  const PartitionList list = MakeList(offsets);
  const rd_kafka_resp_err_t error = rd_kafka_commit(handle_->get(), list.get(), /*async=*/1);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++commits_under_way_;
    return;
  }
  ++commit_counts_.failed;
  LogWarning("offsets could not be committed to Kafka",
             {{"brokers", handle_->brokers()}, {"error", RdKafkaErrorText(error)}});
}

void RdKafkaConsumer::OnCommitted(rd_kafka_t*, rd_kafka_resp_err_t error,
                                  rd_kafka_topic_partition_list_t* offsets, void* opaque) {
  auto* handle = static_cast<RdKafkaHandle*>(opaque);
  auto* self = static_cast<RdKafkaConsumer*>(handle->owner());
  --self->commits_under_way_;
  for (int i = 0; offsets != nullptr && i < offsets->cnt; ++i) {
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = offsets->elems[i].err;
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++self->commit_counts_.succeeded;
    return;
  }
  ++self->commit_counts_.failed;
  LogWarning("offsets could not be committed to Kafka",
             {{"brokers", handle->brokers()}, {"error", RdKafkaErrorText(error)}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeRdKafkaConsumer(
    const ClientConfiguration& configuration, std::function<void()> wakeup) {
  auto consumer = std::make_unique<RdKafkaConsumer>(std::move(wakeup), configuration.headers);
  WEIR_RETURN_IF_ERROR(consumer->Init(configuration));
  return std::unique_ptr<KafkaConsumerClient>(std::move(consumer));
}

}  // namespace weir::kafka
