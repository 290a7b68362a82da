#include "connectors/kafka/rdkafka_admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/failure_policy.h"
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
constexpr int kTopicAttempts = 8;
constexpr int kTopicPauseMs = 250;
constexpr absl::Duration kFirstPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestPause = absl::Seconds(2);

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

absl::Status PassingError(const std::string& message) {
  return WithFailurePolicy(absl::UnavailableError(message), FailurePolicy::kRestartJob);
}

bool Passes(const absl::Status& status) {
  return FailurePolicyOf(status) == FailurePolicy::kRestartJob;
}

// "1500 partitions of topic t"
std::string PartitionsText(const rd_kafka_topic_partition_list_t& list) {
  const std::string first = list.elems[0].topic;
  const bool one = std::all_of(list.elems, list.elems + list.cnt,
                               [&](const auto& at) { return first == at.topic; });
  return absl::StrCat(list.cnt, " partitions of topic ", first, one ? "" : " and others");
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
  using OffsetRequest = std::function<rd_kafka_resp_err_t(rd_kafka_topic_partition_list_t*)>;

  absl::StatusOr<MetadataPtr> Metadata(rd_kafka_topic_t* topic);
  // Empty when the broker does not know the topic.
  absl::StatusOr<std::vector<int32_t>> FindPartitions(const std::string& topic);
  absl::StatusOr<OffsetMap> ListOffsets(const std::vector<TopicPartition>& of, int64_t timestamp);
  // Sends the request until its answer is one that stays, or the request timeout is over.
  absl::StatusOr<OffsetMap> AskForOffsets(const std::string& what, const PartitionList& question,
                                          const OffsetRequest& request);
  void RefreshLeaders(const rd_kafka_topic_partition_list_t& of);
  // What a whole request came to.
  absl::Status RequestError(rd_kafka_resp_err_t error, const std::string& what);
  // What an answer says, of the request or of a part of it.
  absl::Status AnswerError(rd_kafka_resp_err_t error, const std::string& what) const;
  absl::StatusOr<OffsetMap> Result(rd_kafka_resp_err_t error,
                                   const rd_kafka_topic_partition_list_t& list,
                                   const std::string& what);
  static PartitionList MakeList(const std::vector<TopicPartition>& of, int64_t offset);

  const int timeout_ms_;
  const SystemClock clock_;
  std::unique_ptr<RdKafkaHandle> handle_;
  bool answered_ = false;           // some request
  uint64_t connection_errors_ = 0;  // of the handle, up to the last request's end
};

// Collects what the client says about connections. Who never answered is a wrong address more often
// than a passing fault; who did, and keeps the connection, is slow.
absl::Status RdKafkaAdmin::RequestError(rd_kafka_resp_err_t error, const std::string& what) {
  rd_kafka_poll(handle_->get(), 0);
  const bool connected = handle_->connection_errors() == connection_errors_;
  connection_errors_ = handle_->connection_errors();
  answered_ = answered_ || error >= RD_KAFKA_RESP_ERR_NO_ERROR;
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  if (!handle_->status().ok()) return handle_->status();
  if (!IsRdKafkaConnectionError(error)) return AnswerError(error, what);
  const bool slow = answered_ && connected && error == RD_KAFKA_RESP_ERR__TIMED_OUT;
  if (!slow) return handle_->NoBrokerError();
  return PassingError(absl::StrCat(what, " on brokers ", handle_->brokers(), ": no answer within ",
                                   absl::FormatDuration(absl::Milliseconds(timeout_ms_))));
}

absl::Status RdKafkaAdmin::AnswerError(rd_kafka_resp_err_t error, const std::string& what) const {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  const std::string sentence =
      absl::StrCat(what, " on brokers ", handle_->brokers(), ": ", RdKafkaErrorText(error));
  return IsRdKafkaPassingAnswer(error) ? PassingError(sentence)
                                       : StatusFromRdKafka(error, sentence);
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
    WEIR_RETURN_IF_ERROR(AnswerError(found.err, absl::StrCat("Kafka topic '", topic, "'")));
    for (int p = 0; p < found.partition_cnt; ++p) partitions.push_back(found.partitions[p].id);
  }
  std::sort(partitions.begin(), partitions.end());
  return partitions;
}

absl::StatusOr<std::vector<int32_t>> RdKafkaAdmin::Partitions(const std::string& topic) {
  const absl::Duration end = clock_.Monotonic() + absl::Milliseconds(timeout_ms_);
  absl::StatusOr<std::vector<int32_t>> partitions;
  for (int attempt = 0; attempt < kTopicAttempts; ++attempt) {
    // Each answer of a slow broker takes as long as it may.
    if (attempt > 0 && !partitions.ok() && clock_.Monotonic() >= end) break;
    // A broker hears of a new topic a moment after its creation was acknowledged.
    if (attempt > 0) rd_kafka_poll(handle_->get(), kTopicPauseMs);
    partitions = FindPartitions(topic);
    if (partitions.ok() ? !partitions->empty() : !Passes(partitions.status())) return partitions;
  }
  if (!partitions.ok()) return partitions;
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

// Errors that stay come first, then those that pass: librdkafka says "unknown partition" of a
// request for partitions that all have no leader at present.
absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::Result(
    rd_kafka_resp_err_t error, const rd_kafka_topic_partition_list_t& list,
    const std::string& what) {
  const absl::Status request = RequestError(error, absl::StrCat(what, ", ", PartitionsText(list)));
  const bool refused = !handle_->status().ok() || error > RD_KAFKA_RESP_ERR_NO_ERROR;
  if (refused && !Passes(request)) return request;
  absl::Status passing;
  OffsetMap offsets;
  for (int i = 0; i < list.cnt; ++i) {
    const rd_kafka_topic_partition_t& at = list.elems[i];
    if (at.offset >= 0) offsets[{at.topic, at.partition}] = at.offset;
    // Of which nothing is known yet; the request has an error then.
    if (at.err == RD_KAFKA_RESP_ERR_NO_ERROR || at.err == RD_KAFKA_RESP_ERR__IN_PROGRESS) continue;
    const absl::Status status =
        AnswerError(at.err, absl::StrCat(what, ", topic ", at.topic, ", partition ", at.partition));
    if (!Passes(status)) return status;
    if (passing.ok()) passing = status;
  }
  WEIR_RETURN_IF_ERROR(passing);
  WEIR_RETURN_IF_ERROR(request);
  return offsets;
}

// librdkafka takes a partition without a leader for settled: it asks for metadata of its own accord
// only where a broker has refused to be the leader (rd_kafka_topic_partition_list_get_leaders).
void RdKafkaAdmin::RefreshLeaders(const rd_kafka_topic_partition_list_t& of) {
  std::set<std::string> topics;
  for (int i = 0; i < of.cnt; ++i) topics.insert(of.elems[i].topic);
  const absl::Status status =
      topics.size() == 1 ? FindPartitions(*topics.begin()).status() : Metadata(nullptr).status();
  status.IgnoreError();  // the offsets' own request tells
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::AskForOffsets(
    const std::string& what, const PartitionList& question, const OffsetRequest& request) {
  const absl::Duration end = clock_.Monotonic() + absl::Milliseconds(timeout_ms_);
  absl::Duration pause = kFirstPause;
  while (true) {
    const PartitionList list(rd_kafka_topic_partition_list_copy(question.get()));
    const rd_kafka_resp_err_t error = request(list.get());
    absl::StatusOr<OffsetMap> offsets = Result(error, *list, what);
    // The partitions are there, Partitions has found them: some broker has not heard of them yet.
    if (absl::IsNotFound(offsets.status())) {
      offsets = PassingError(std::string(offsets.status().message()));
    }
    if (!Passes(offsets.status()) || clock_.Monotonic() + pause >= end) return offsets;
    rd_kafka_poll(handle_->get(), static_cast<int>(absl::ToInt64Milliseconds(pause)));
    pause = std::min(pause * 2, kLongestPause);
    RefreshLeaders(*question);
  }
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::ListOffsets(
    const std::vector<TopicPartition>& of, int64_t timestamp) {
  if (of.empty()) return OffsetMap();
  // One request per broker for all its partitions, whatever the timestamp means.
  return AskForOffsets("asking for Kafka offsets", MakeList(of, timestamp), [this](auto* list) {
    return rd_kafka_offsets_for_times(handle_->get(), list, timeout_ms_);
  });
}

absl::StatusOr<KafkaAdminClient::OffsetMap> RdKafkaAdmin::CommittedOffsets(
    const std::vector<TopicPartition>& of) {
  if (of.empty()) return OffsetMap();
  return AskForOffsets(
      "asking for committed offsets", MakeList(of, RD_KAFKA_OFFSET_INVALID),
      [this](auto* list) { return rd_kafka_committed(handle_->get(), list, timeout_ms_); });
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
