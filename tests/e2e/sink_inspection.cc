#include "tests/e2e/sink_inspection.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"

namespace weir {
namespace {

using kafka::TransactionState;

constexpr absl::Duration kTimeout = absl::Seconds(30);
// Of what is asked again and again, while brokers come and go.
constexpr absl::Duration kShortTimeout = absl::Seconds(5);

}  // namespace

absl::StatusOr<std::unique_ptr<SinkInspection>> SinkInspection::Connect(
    const std::string& bootstrap_servers, const std::string& topic, const std::string& prefix) {
  std::unique_ptr<SinkInspection> inspection(new SinkInspection(topic, prefix));
  WEIR_ASSIGN_OR_RETURN(inspection->client_, kafka::MakeWireTransactionClient(
                                                 {kafka::ClientKind::kProducer,
                                                  {{"bootstrap.servers", bootstrap_servers}}},
                                                 inspection->clock_));
  return inspection;
}

absl::StatusOr<uint64_t> SinkInspection::Fence() {
  WEIR_ASSIGN_OR_RETURN(
      const kafka::GroupOffset record,
      client_->FetchOffset(kafka::OwnerId(prefix_), {topic_, 0}, {false}, kTimeout));
  if (record.kind != kafka::GroupOffset::Kind::kValue) return 0;
  return static_cast<uint64_t>(record.offset);
}

absl::StatusOr<std::vector<std::string>> SinkInspection::Open() {
  WEIR_ASSIGN_OR_RETURN(
      const std::vector<kafka::ListedTransaction> listed,
      client_->ListTransactions({TransactionState::kOngoing, TransactionState::kPrepareCommit,
                                 TransactionState::kPrepareAbort},
                                kTimeout));
  std::vector<std::string> open;
  for (const kafka::ListedTransaction& one : listed) {
    const std::string& id = one.transactional_id;
    if (kafka::TransactionalId::Parse(id, prefix_).has_value() || id == kafka::OwnerId(prefix_) ||
        id == kafka::ReplayId(prefix_)) {
      open.push_back(id);
    }
  }
  return open;
}

absl::StatusOr<std::vector<std::string>> SinkInspection::OpenStrays() {
  WEIR_ASSIGN_OR_RETURN(std::vector<std::string> open, Open());
  WEIR_ASSIGN_OR_RETURN(const uint64_t fence, Fence());
  std::erase_if(open, [&](const std::string& id) {
    const auto parsed = kafka::TransactionalId::Parse(id, prefix_);
    return parsed.has_value() && parsed->fence == fence;
  });
  return open;
}

absl::StatusOr<kafka::DescribedTransaction> SinkInspection::Describe(const std::string& id) {
  WEIR_ASSIGN_OR_RETURN(const auto described, client_->DescribeTransactions({id}, kTimeout));
  const auto found = described.find(id);
  if (found == described.end()) return absl::NotFoundError(absl::StrCat("no transaction ", id));
  return found->second;
}

absl::StatusOr<std::map<int32_t, kafka::PartitionOffsets>> SinkInspection::Offsets(
    const std::string& topic, int partitions) {
  std::map<int32_t, kafka::PartitionOffsets> offsets;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    WEIR_ASSIGN_OR_RETURN(offsets[partition],
                          client_->FetchPartitionOffsets({topic, partition}, kTimeout));
  }
  return offsets;
}

absl::StatusOr<std::map<int32_t, int64_t>> SinkInspection::GroupOffsets(const std::string& group,
                                                                        const std::string& topic,
                                                                        int partitions) {
  std::map<int32_t, int64_t> offsets;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    WEIR_ASSIGN_OR_RETURN(const kafka::GroupOffset offset,
                          client_->FetchOffset(group, {topic, partition}, {false}, kShortTimeout));
    offsets[partition] = offset.kind == kafka::GroupOffset::Kind::kValue ? offset.offset : -1;
  }
  return offsets;
}

}  // namespace weir
