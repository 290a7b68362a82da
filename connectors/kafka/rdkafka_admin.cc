#include "connectors/kafka/rdkafka_admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/nearest_names.h"
#include "common/base/status_macros.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/consumer_record_reader.h"
#include "connectors/kafka/rdkafka_consumer.h"
#include "connectors/kafka/rdkafka_handle.h"
#include "connectors/kafka/rdkafka_producer.h"
#include "connectors/kafka/rdkafka_topic_setting.h"
#include "connectors/kafka/rdkafka_transactional_producer.h"

namespace weir::kafka {
namespace {

// ListOffsets' special timestamps (Kafka protocol, ListOffsets request).
constexpr int64_t kLatestTimestamp = -1;
constexpr int64_t kEarliestTimestamp = -2;
constexpr int kUnknownTopicAttempts = 8;
constexpr int kUnknownTopicWaitMs = 250;
constexpr int kLeaderWaitMs = 100;

struct MetadataDeleter {
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
using MetadataPtr = std::unique_ptr<const rd_kafka_metadata_t, MetadataDeleter>;
struct ListDeleter {
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDeleter>;

// Some partition has no leader yet, or another one than the client believes: of a topic that was
// just created, or of a broker that has just died.
bool IsLeaderPending(rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t& list) {
  static const std::set<rd_kafka_resp_err_t> kPending = {
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE,    RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH,
      RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH,     RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE};
  if (kPending.count(error) > 0) return true;
  return std::any_of(list.elems, list.elems + list.cnt,
                     [](const auto& at) { return kPending.count(at.err) > 0; });
}

bool IsInternalTopic(const std::string& topic) {
  static const std::set<std::string> kInternal = {"__consumer_offsets", "__transaction_state",
                                                  "__cluster_metadata", "__share_group_state"};
  return kInternal.count(topic) != 0;
}

class RdKafkaAdmin final : public KafkaAdminClient {
 public:
  explicit RdKafkaAdmin(absl::Duration timeout)
      : timeout_ms_(static_cast<int>(absl::ToInt64Milliseconds(timeout))) {}

  absl::Status Init(const ClientConfiguration& configuration) {
    WEIR_ASSIGN_OR_RETURN(handle_, RdKafkaHandle::Make(configuration, this, nullptr));
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<std::string>> ListTopics() override {
    WEIR_ASSIGN_OR_RETURN(const MetadataPtr metadata, Metadata(nullptr));
    std::vector<std::string> topics;
    for (int i = 0; i < metadata->topic_cnt; ++i) {
      std::string topic = metadata->topics[i].topic;
      if (!IsInternalTopic(topic)) topics.push_back(std::move(topic));
    }
    std::sort(topics.begin(), topics.end());
    return topics;
  }

  absl::StatusOr<std::vector<int32_t>> Partitions(const std::string& topic) override;
  absl::StatusOr<std::string> TopicSetting(const std::string& topic,
                                           const std::string& name) override {
    return DescribeTopicSetting(*handle_, topic, name, absl::Milliseconds(timeout_ms_));
  }

  absl::StatusOr<OffsetMap> EarliestOffsets(const std::vector<TopicPartition>& of) override {
    return ListOffsets(of, kEarliestTimestamp);
  }
  absl::StatusOr<OffsetMap> LatestOffsets(const std::vector<TopicPartition>& of) override {
    return ListOffsets(of, kLatestTimestamp);
  }
  absl::StatusOr<OffsetMap> OffsetsForTime(const std::vector<TopicPartition>& of,
                                           int64_t timestamp_ms) override {
    // Earlier than everything; smaller numbers have special meanings.
    return ListOffsets(of, std::max<int64_t>(timestamp_ms, 0));
  }
  absl::StatusOr<OffsetMap> CommittedOffsets(const std::vector<TopicPartition>& of) override;

 private:
  absl::StatusOr<MetadataPtr> Metadata(rd_kafka_topic_t* topic);
  // Empty when the broker does not know the topic.
  absl::StatusOr<std::vector<int32_t>> FindPartitions(const std::string& topic);
  absl::StatusOr<OffsetMap> ListOffsets(const std::vector<TopicPartition>& of, int64_t timestamp);
  absl::Status RequestError(rd_kafka_resp_err_t error, const std::string& what);
  absl::StatusOr<OffsetMap> Result(const rd_kafka_topic_partition_list_t& list,
                                   const std::string& what);
  static PartitionList MakeList(const std::vector<TopicPartition>& of, int64_t offset);

  const int timeout_ms_;
  const SystemClock clock_;
  std::unique_ptr<RdKafkaHandle> handle_;
};

// After every request: collects what the client says about connections.
absl::Status RdKafkaAdmin::RequestError(rd_kafka_resp_err_t error, const std::string& what) {
  rd_kafka_poll(handle_->get(), 0);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  if (!handle_->status().ok()) return handle_->status();
  if (IsRdKafkaConnectionError(error)) return handle_->NoBrokerError();
  return StatusFromRdKafka(
      error, absl::StrCat(what, " on brokers ", handle_->brokers(), ": ", RdKafkaErrorText(error)));
}

absl::StatusOr<MetadataPtr> RdKafkaAdmin::Metadata(rd_kafka_topic_t* topic) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(
      handle_->get(), /*all_topics=*/topic == nullptr, topic, &metadata, timeout_ms_);
  WEIR_RETURN_IF_ERROR(RequestError(error, "asking for Kafka topics"));
  return MetadataPtr(metadata);
}

absl::StatusOr<std::vector<int32_t>> RdKafkaAdmin::FindPartitions(const std::string& topic) {
  rd_kafka_topic_t* handle = rd_kafka_topic_new(handle_->get(), topic.c_str(), nullptr);
  if (handle == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("'", topic, "' is no name for a Kafka topic"));
  }
  absl::StatusOr<MetadataPtr> metadata = Metadata(handle);
  rd_kafka_topic_destroy(handle);
  WEIR_RETURN_IF_ERROR(metadata.status());
  std::vector<int32_t> partitions;
  for (int i = 0; i < (*metadata)->topic_cnt; ++i) {
    const rd_kafka_metadata_topic_t& found = (*metadata)->topics[i];
    if (topic != found.topic || found.err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) continue;
    WEIR_RETURN_IF_ERROR(RequestError(found.err, absl::StrCat("Kafka topic '", topic, "'")));
    for (int p = 0; p < found.partition_cnt; ++p) partitions.push_back(found.partitions[p].id);
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

absl::StatusOr<std::vector<int32_t>> RdKafkaAdmin::Partitions(const std::string& topic) {
  for (int attempt = 0; attempt < kUnknownTopicAttempts; ++attempt) {
    // A broker hears of a new topic a moment after its creation was acknowledged.
    if (attempt > 0) rd_kafka_poll(handle_->get(), kUnknownTopicWaitMs);
    WEIR_ASSIGN_OR_RETURN(std::vector<int32_t> partitions, FindPartitions(topic));
    if (!partitions.empty()) return partitions;
  }
  const absl::StatusOr<std::vector<std::string>> topics = ListTopics();
  return absl::NotFoundError(absl::StrCat("Kafka topic '", topic, "' does not exist on brokers ",
                                          handle_->brokers(),
                                          topics.ok() ? DidYouMean(topic, *topics) : ""));
}

PartitionList RdKafkaAdmin::MakeList(const std::vector<TopicPartition>& of, int64_t offset) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(of.size())));
  for (const TopicPartition& at : of) {
    rd_kafka_topic_partition_list_add(list.get(), at.topic.c_str(), at.partition)->offset = offset;
  }
  return list;
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::Result(
    const rd_kafka_topic_partition_list_t& list, const std::string& what) {
  OffsetMap offsets;
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& at = list.elems[i];
    WEIR_RETURN_IF_ERROR(RequestError(
        at.err, absl::StrCat(what, ", topic ", at.topic, ", partition ", at.partition)));
    if (at.offset >= 0) offsets[{at.topic, at.partition}] = at.offset;
  }
  return offsets;
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::ListOffsets(
    const std::vector<TopicPartition>& of, int64_t timestamp) {
  if (of.empty()) return OffsetMap();
  const std::string what = "asking for Kafka offsets";
  const absl::Duration end = clock_.Monotonic() + absl::Milliseconds(timeout_ms_);
  while (true) {
    const PartitionList list = MakeList(of, timestamp);
    // One request per broker for all its partitions, whatever the timestamp means.
    const rd_kafka_resp_err_t error =
        rd_kafka_offsets_for_times(handle_->get(), list.get(), timeout_ms_);
    if (IsLeaderPending(error, *list) && clock_.Monotonic() < end) {
      rd_kafka_poll(handle_->get(), kLeaderWaitMs);
      continue;
    }
    WEIR_RETURN_IF_ERROR(RequestError(error, what));
    return Result(*list, what);
  }
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::CommittedOffsets(
    const std::vector<TopicPartition>& of) {
  if (of.empty()) return OffsetMap();
  const std::string what = "asking for committed offsets";
  const PartitionList list = MakeList(of, RD_KAFKA_OFFSET_INVALID);
  WEIR_RETURN_IF_ERROR(
      RequestError(rd_kafka_committed(handle_->get(), list.get(), timeout_ms_), what));
  return Result(*list, what);
}

class RdKafkaClientFactory final : public KafkaClientFactory {
 public:
  absl::Status CheckConfiguration(const ClientConfiguration& configuration) const override {
    return CheckRdKafkaConfiguration(configuration);
  }
  absl::StatusOr<std::unique_ptr<KafkaConsumerClient>> MakeConsumer(
      const ClientConfiguration& configuration, std::function<void()> wakeup) const override {
    return MakeRdKafkaConsumer(configuration, std::move(wakeup));
  }
  absl::StatusOr<std::unique_ptr<KafkaProducerClient>> MakeProducer(
      const ClientConfiguration& configuration, const std::string& topic,
      std::function<void()> wakeup) const override {
    return MakeRdKafkaProducer(configuration, topic, std::move(wakeup));
  }
  absl::StatusOr<std::unique_ptr<KafkaTransactionalProducer>> MakeTransactionalProducer(
      const TransactionalProducerOptions& options) const override {
    return MakeRdKafkaTransactionalProducer(options);
  }
  absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeAdmin(
      const ClientConfiguration& configuration, absl::Duration request_timeout) const override {
    return MakeRdKafkaAdmin(configuration, request_timeout);
  }
  absl::StatusOr<std::unique_ptr<StoredRecordReader>> MakeRecordReader(
      const ClientConfiguration& configuration) const override {
    return MakeConsumerRecordReader(*this, configuration, clock_, ReadIsolation::kUncommitted);
  }

 private:
  SystemClock clock_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaAdminClient>> MakeRdKafkaAdmin(
    const ClientConfiguration& configuration, absl::Duration request_timeout) {
  auto admin = std::make_unique<RdKafkaAdmin>(request_timeout);
  WEIR_RETURN_IF_ERROR(admin->Init(configuration));
  return std::unique_ptr<KafkaAdminClient>(std::move(admin));
}

std::shared_ptr<const KafkaClientFactory> RdKafkaClients() {
  static const auto factory = std::make_shared<const RdKafkaClientFactory>();
  return factory;
}

}  // namespace weir::kafka
