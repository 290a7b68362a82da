#include "tests/support/kafka/topic_client.h"

#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr int kTimeoutMs = 20'000;

/// Delivery reports of one Produce call; message opaques point here.
struct DeliveryAccount {
  size_t acknowledged = 0;
  size_t failed = 0;
  std::string first_failure;
};

void OnDelivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* /*opaque*/) {
  auto* account = static_cast<DeliveryAccount*>(message->_private);
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++account->acknowledged;
  } else if (account->failed++ == 0) {
    account->first_failure = rd_kafka_err2str(message->err);
  }
}

absl::Status ToStatus(rd_kafka_resp_err_t error, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", rd_kafka_err2str(error));
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return absl::OkStatus();
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return absl::AlreadyExistsError(message);
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return absl::NotFoundError(message);
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(message);
  }
}

rd_kafka_resp_err_t ProduceOne(rd_kafka_t* client, const std::string& topic,
                               const KafkaTestRecord& record, DeliveryAccount& account) {
  auto bytes = [](const std::optional<std::string>& text) {
    return text.has_value() ? const_cast<char*>(text->data()) : nullptr;
  };
  return rd_kafka_producev(client, RD_KAFKA_V_TOPIC(topic.c_str()),
                           RD_KAFKA_V_PARTITION(record.partition.value_or(RD_KAFKA_PARTITION_UA)),
                           RD_KAFKA_V_KEY(bytes(record.key), record.key.value_or("").size()),
                           RD_KAFKA_V_VALUE(bytes(record.value), record.value.value_or("").size()),
                           RD_KAFKA_V_TIMESTAMP(record.timestamp_ms.value_or(0)),
                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&account),
                           RD_KAFKA_V_END);
}

/// The answer to one CreateTopics request: of the request, then of the topic.
absl::Status ResultOfCreateTopics(rd_kafka_event_t* event, const std::string& what) {
  if (event == nullptr) return absl::UnavailableError(absl::StrCat(what, ": no answer"));
  WEIR_RETURN_IF_ERROR(ToStatus(rd_kafka_event_error(event), what));
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (size_t i = 0; i < count; ++i) {
    WEIR_RETURN_IF_ERROR(ToStatus(rd_kafka_topic_result_error(results[i]), what));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<TopicClient>> TopicClient::Connect(
    const std::string& bootstrap_servers, const std::string& client_id) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, 512> error{};
  const std::array<std::pair<const char*, std::string>, 8> settings = {{
      {"bootstrap.servers", bootstrap_servers},
      {"client.id", client_id.empty() ? "weir-tests" : client_id},
      {"partitioner", "murmur2_random"},
      {"acks", "all"},
      {"reconnect.backoff.max.ms", "200"},
      // Once and in order, over brokers that come and go.
      {"enable.idempotence", "true"},
      {"linger.ms", "2"},
      {"message.timeout.ms", absl::StrCat(kTimeoutMs)},
  }};
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), error.data(), error.size()) !=
        RD_KAFKA_CONF_OK) {
      rd_kafka_conf_destroy(conf);
      return absl::InternalError(error.data());
    }
  }
  rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);
  // Killed brokers are what tests are about: errors come as statuses, not as log lines.
  rd_kafka_conf_set_log_cb(conf, nullptr);
  rd_kafka_t* client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, error.data(), error.size());
  if (client == nullptr) {
    rd_kafka_conf_destroy(conf);
    return absl::InternalError(error.data());
  }
  return std::unique_ptr<TopicClient>(new TopicClient(client));
}

TopicClient::~TopicClient() { rd_kafka_destroy(client_); }

absl::Status TopicClient::CreateTopic(const std::string& topic, int partitions,
                                      int replication_factor) {
  const std::string what = absl::StrCat("cannot create topic ", topic);
  std::array<char, 512> error{};
  rd_kafka_NewTopic_t* request = rd_kafka_NewTopic_new(
      topic.c_str(), partitions, replication_factor, error.data(), error.size());
  if (request == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": ", error.data()));
  }
  rd_kafka_AdminOptions_t* options =
      rd_kafka_AdminOptions_new(client_, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  // Not only accepted: waited for until it is known to the brokers.
  rd_kafka_AdminOptions_set_operation_timeout(options, kTimeoutMs, nullptr, 0);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client_);
  rd_kafka_CreateTopics(client_, &request, 1, options, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 2 * kTimeoutMs);
  absl::Status status = ResultOfCreateTopics(event, what);
  if (event != nullptr) rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_AdminOptions_destroy(options);
  rd_kafka_NewTopic_destroy(request);
  return status;
}

absl::Status TopicClient::DeleteRecordsBefore(const std::string& topic, int32_t partition,
                                              int64_t offset) {
  const std::string what =
      absl::StrCat("cannot delete records of topic ", topic, ", partition ", partition);
  rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(offsets);
  rd_kafka_topic_partition_list_destroy(offsets);
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client_);
  rd_kafka_DeleteRecords(client_, &request, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, 2 * kTimeoutMs);
  absl::Status status = absl::UnavailableError(absl::StrCat(what, ": no answer"));
  if (event != nullptr) {
    status = ToStatus(rd_kafka_event_error(event), what);
    if (status.ok()) {
      const rd_kafka_topic_partition_list_t* results =
          rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
      status = ToStatus(results->elems[0].err, what);
    }
    rd_kafka_event_destroy(event);
  }
  rd_kafka_queue_destroy(queue);
  rd_kafka_DeleteRecords_destroy(request);
  return status;
}

absl::Status TopicClient::Produce(const std::string& topic,
                                  const std::vector<KafkaTestRecord>& records) {
  const std::string what = absl::StrCat("cannot produce to topic ", topic);
  DeliveryAccount account;
  absl::Status status;
  size_t sent = 0;
  for (const KafkaTestRecord& record : records) {
    rd_kafka_resp_err_t error = ProduceOne(client_, topic, record, account);
    while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      rd_kafka_poll(client_, 100);
      error = ProduceOne(client_, topic, record, account);
    }
    status = ToStatus(error, what);
    if (!status.ok()) break;
    ++sent;
    rd_kafka_poll(client_, 0);
  }
  // Reports point at `account`: all must have come before it goes. Each message has a timeout, and
  // what is still open after twice that is given up.
  const auto open = [&] { return account.acknowledged + account.failed < sent; };
  for (int i = 0; i < 2 && open(); ++i) rd_kafka_flush(client_, kTimeoutMs);
  if (open()) rd_kafka_purge(client_, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (open()) rd_kafka_flush(client_, kTimeoutMs);
  WEIR_RETURN_IF_ERROR(status);
  if (account.failed > 0) {
    return absl::InternalError(
        absl::StrCat(what, ": ", account.failed, " of ", sent,
                     " records were not acknowledged, the first: ", account.first_failure));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::map<int32_t, int64_t>> TopicClient::EndOffsets(const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(client_, topic.c_str(), nullptr);
  const rd_kafka_metadata_t* metadata = nullptr;
  absl::Status status =
      ToStatus(rd_kafka_metadata(client_, /*all_topics=*/0, handle, &metadata, kTimeoutMs),
               absl::StrCat("cannot read the partitions of topic ", topic));
  int partitions = 0;
  if (status.ok()) {
    status = ToStatus(metadata->topics[0].err, absl::StrCat("topic ", topic));
    partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
  }
  rd_kafka_topic_destroy(handle);
  WEIR_RETURN_IF_ERROR(status);
  std::map<int32_t, int64_t> end_offsets;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    int64_t low = 0;
    int64_t high = 0;
    WEIR_RETURN_IF_ERROR(
        ToStatus(rd_kafka_query_watermark_offsets(client_, topic.c_str(), partition, &low, &high,
                                                  kTimeoutMs),
                 absl::StrCat("cannot read the end offset of ", topic, "-", partition)));
    end_offsets[partition] = high;
  }
  return end_offsets;
}

}  // namespace weir
