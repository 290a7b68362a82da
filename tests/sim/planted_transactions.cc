#include "tests/sim/planted_transactions.h"

#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "tests/sim/wrapped_clients.h"

namespace weir::sim {
namespace {

using kafka::Committable;

/// A producer that says more than it knows, or does things in another order.
class PlantedProducer final : public WrappedProducer, private kafka::TransactionDeliveryListener {
 public:
  PlantedProducer(std::unique_ptr<KafkaTransactionalProducer> producer, PlantedBug bug,
                  bool replays)
      : WrappedProducer(std::move(producer)), bug_(bug), replays_(replays) {}

  // Two replays may both have seen what is missing before one of them fences the other.
  absl::Status Init(absl::Duration timeout) override {
    if (!fences_late()) return WrappedProducer::Init(timeout);
    init_timeout_ = timeout;
    return absl::OkStatus();
  }
  absl::Status Begin(kafka::TransactionDeliveryListener& listener) override {
    if (fences_late()) WEIR_RETURN_IF_ERROR(WrappedProducer::Init(init_timeout_));
    listener_ = &listener;
    return WrappedProducer::Begin(early() ? *this : listener);
  }
  absl::StatusOr<size_t> Produce(std::span<const kafka::OutgoingMessage> messages) override {
    WEIR_ASSIGN_OR_RETURN(const size_t taken, WrappedProducer::Produce(messages));
    for (size_t i = 0; early() && i < taken; ++i) {
      const size_t bytes = messages[i].key.size + messages[i].value.size;
      listener_->OnDelivered({0, guess_, guess_, 1, bytes, 0});
      ++guess_;
    }
    return taken;
  }
  absl::Status Flush(absl::Duration timeout) override {
    return early() ? absl::OkStatus() : WrappedProducer::Flush(timeout);
  }
  bool repeated() const override {
    return bug_ != PlantedBug::kRepeatedHandleReused && WrappedProducer::repeated();
  }

 private:
  bool early() const { return bug_ == PlantedBug::kAnswerBeforeFlush; }
  bool fences_late() const { return replays_ && bug_ == PlantedBug::kReplayByTwoCommitters; }
  void OnDelivered(const kafka::DeliveredRun&) override {}
  void OnFailed(size_t, const absl::Status&) override {}

  const PlantedBug bug_;
  const bool replays_;
  absl::Duration init_timeout_;
  kafka::TransactionDeliveryListener* listener_ = nullptr;
  int64_t guess_ = 0;
};

/// A committer's client that asks for something else, or hears something else.
class PlantedTransactionClient final : public kafka::TransactionClient {
 public:
  PlantedTransactionClient(std::shared_ptr<TransactionClient> client, PlantedBug bug,
                           std::map<std::string, Committable> owned)
      : client_(std::move(client)), bug_(bug), owned_(std::move(owned)) {}

  kafka::EndTransactionAnswer EndTransaction(const std::string& id,
                                             kafka::ProducerIdAndEpoch producer,
                                             kafka::TransactionResult result,
                                             absl::Duration timeout) override {
    // A new handle first, as a producer would have to.
    if (bug_ == PlantedBug::kPendingIdInitialized) {
      client_->InitProducerId(id, absl::Minutes(1), timeout).IgnoreError();
    }
    return client_->EndTransaction(id, producer, result, timeout);
  }
  kafka::WriteOffsetAnswer WriteOffset(const std::string& id, kafka::ProducerIdAndEpoch producer,
                                       const kafka::TransactionOffset& offset,
                                       absl::Duration timeout) override {
    kafka::WriteOffsetAnswer answer = client_->WriteOffset(id, producer, offset, timeout);
    if (bug_ == PlantedBug::kRepeatedHandleReused) answer.unanswered_requests = 0;
    return answer;
  }
  absl::StatusOr<kafka::ProducerIdAndEpoch> InitProducerId(const std::string& id,
                                                           absl::Duration transaction_timeout,
                                                           absl::Duration timeout) override {
    if (bug_ == PlantedBug::kStrayEndedByAbort && !absl::EndsWith(id, "~replay") &&
        !absl::EndsWith(id, "~owner")) {
      WEIR_ASSIGN_OR_RETURN(const auto described, client_->DescribeTransactions({id}, timeout));
      const kafka::ProducerIdAndEpoch producer = described.at(id).producer;
      (void)client_->EndTransaction(id, producer, kafka::TransactionResult::kAbort, timeout);
      return producer;
    }
    return client_->InitProducerId(id, transaction_timeout, timeout);
  }
  absl::StatusOr<std::vector<kafka::ListedTransaction>> ListTransactions(
      const std::vector<kafka::TransactionState>& states, absl::Duration timeout) override {
    return client_->ListTransactions(states, timeout);
  }
  absl::StatusOr<std::map<std::string, kafka::DescribedTransaction>> DescribeTransactions(
      const std::vector<std::string>& ids, absl::Duration timeout) override {
    return client_->DescribeTransactions(ids, timeout);
  }
  absl::StatusOr<std::map<kafka::TopicPartition, kafka::GroupOffset>> FetchGroupOffsets(
      const std::string& group, FetchOffsetOptions options, absl::Duration timeout) override {
    return client_->FetchGroupOffsets(group, options, timeout);
  }
  // "Not older than ours" is not "ours": the opening marker of the generation passes, too.
  absl::StatusOr<kafka::GroupOffset> FetchOffset(const std::string& group,
                                                 const kafka::TopicPartition& partition,
                                                 FetchOffsetOptions options,
                                                 absl::Duration timeout) override {
    auto found = client_->FetchOffset(group, partition, options, timeout);
    const auto owned = owned_.find(group);
    if (bug_ == PlantedBug::kMarkerAtLeast && found.ok() && owned != owned_.end() &&
        found->kind == kafka::GroupOffset::Kind::kValue) {
      const auto marker = kafka::TransactionMarker::Decode(found->metadata);
      const kafka::TransactionMarker& wanted = owned->second.marker;
      if (marker.ok() && marker->generation >= wanted.generation) {
        found->metadata = wanted.Encode();
      }
    }
    return found;
  }
  absl::StatusOr<kafka::PartitionOffsets> FetchPartitionOffsets(
      const kafka::TopicPartition& partition, absl::Duration timeout) override {
    return client_->FetchPartitionOffsets(partition, timeout);
  }
  absl::StatusOr<kafka::RecordBatchRange> ReadBatchHeaders(const kafka::TopicPartition& partition,
                                                           OffsetRange range,
                                                           absl::Duration timeout) override {
    return client_->ReadBatchHeaders(partition, range, timeout);
  }
  void Cancel() override { client_->Cancel(); }

 private:
  const std::shared_ptr<TransactionClient> client_;
  const PlantedBug bug_;
  const std::map<std::string, Committable> owned_;  // by transactional id
};

Committable DecodeKnown(const std::string& bytes) {
  absl::StatusOr<Committable> committable = Committable::Decode(bytes);
  WEIR_CHECK(committable.ok()) << committable.status();
  return *std::move(committable);
}

}  // namespace

std::shared_ptr<const kafka::KafkaClientFactory> PlantInClients(
    const ModelContext& context, std::shared_ptr<const kafka::KafkaClientFactory> clients) {
  if (context.config.bug == PlantedBug::kNone) return clients;
  return WrapClients(
      std::move(clients),
      [bug = context.config.bug](std::unique_ptr<kafka::KafkaTransactionalProducer> producer,
                                 const kafka::TransactionalProducerOptions& options) {
        const std::string& id = options.configuration.values.at("transactional.id");
        return std::make_unique<PlantedProducer>(std::move(producer), bug,
                                                 absl::EndsWith(id, "~replay"));
      });
}

kafka::TransactionClientFactory PlantInTransactionClients(const ModelContext& context,
                                                          kafka::TransactionClientFactory clients,
                                                          const SinkRecovery& recovery) {
  if (context.config.bug == PlantedBug::kNone) return clients;
  std::map<std::string, Committable> owned;
  for (const UncommittedEpoch& epoch : recovery.uncommitted) {
    for (const std::string& bytes : epoch.committables) {
      Committable one = DecodeKnown(bytes);
      owned[one.transactional_id] = std::move(one);
    }
  }
  return [clients = std::move(clients), bug = context.config.bug,
          owned]() -> absl::StatusOr<std::shared_ptr<kafka::TransactionClient>> {
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<kafka::TransactionClient> client, clients());
    return std::make_shared<PlantedTransactionClient>(std::move(client), bug, owned);
  };
}

SinkRecovery PlantInRecovery(const ModelContext& context, SinkRecovery recovery) {
  if (context.config.bug != PlantedBug::kOnlyNewestRedriven) return recovery;
  for (UncommittedEpoch& epoch : recovery.uncommitted) {
    Epoch newest;
    for (const std::string& bytes : epoch.committables) {
      newest = std::max(newest, DecodeKnown(bytes).marker.epoch);
    }
    std::erase_if(epoch.committables, [newest](const std::string& bytes) {
      return DecodeKnown(bytes).marker.epoch != newest;
    });
  }
  return recovery;
}

std::vector<std::string> PlantInCommittables(const ModelContext& context, Epoch epoch,
                                             std::vector<std::string> committables) {
  if (context.config.bug == PlantedBug::kFailedEpochDropped) {
    std::erase_if(committables, [epoch](const std::string& bytes) {
      return DecodeKnown(bytes).marker.epoch != epoch;
    });
  }
  return committables;
}

}  // namespace weir::sim
