#include "connectors/kafka/transactional/kafka_sink_transactions.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "connectors/kafka/transactional/transaction_explanation.h"
#include "connectors/kafka/transactional/transactional_committer.h"

namespace weir::kafka {
namespace {

// For an id that has no transaction of ours any more; below every broker's maximum.
constexpr absl::Duration kTransactionTimeout = absl::Minutes(1);

}  // namespace

std::string KafkaSinkTransactions::PrefixOf(const SinkTransactionFacts& facts) const {
  if (!facts.prefix.empty()) return facts.prefix;
  return setup_.prefix.empty() ? DefaultTransactionalIdPrefix(facts.identity) : setup_.prefix;
}

bool KafkaSinkTransactions::Names(const SinkTransactionFacts& facts, const std::string& id) const {
  const std::string prefix = PrefixOf(facts);
  return id == OwnerId(prefix) || id == ReplayId(prefix) ||
         TransactionalId::Parse(id, prefix).has_value();
}

absl::StatusOr<TransactionJudgement> KafkaSinkTransactions::Judge(
    const SinkTransactionFacts& facts) {
  WEIR_ASSIGN_OR_RETURN(client_, setup_.clients());
  const std::string prefix = PrefixOf(facts);
  WEIR_ASSIGN_OR_RETURN(
      const GroupOffset offset,
      client_->FetchOffset(OwnerId(prefix), {setup_.topic, 0}, {false}, kStepTimeout));
  std::optional<OwnerRecord> owner;
  if (offset.kind == GroupOffset::Kind::kValue) {
    WEIR_ASSIGN_OR_RETURN(owner, OwnerRecord::Decode(offset.metadata));
  }
  return TransactionJudgement::Make(facts, prefix, setup_.topic, std::move(owner));
}

absl::StatusOr<std::optional<TransactionMarker>> KafkaSinkTransactions::ReadMarker(
    const std::string& id) {
  WEIR_ASSIGN_OR_RETURN(const GroupOffset offset,
                        client_->FetchOffset(id, {setup_.topic, 0}, {false}, kStepTimeout));
  if (offset.kind != GroupOffset::Kind::kValue) return std::optional<TransactionMarker>();
  absl::StatusOr<TransactionMarker> marker = TransactionMarker::Decode(offset.metadata);
  // Somebody else's offset is no marker.
  if (!marker.ok()) return std::optional<TransactionMarker>();
  return std::optional<TransactionMarker>(*std::move(marker));
}

absl::StatusOr<FoundTransaction> KafkaSinkTransactions::Find(const TransactionJudgement& judgement,
                                                             const std::string& id) {
  if (!judgement.Names(id)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", id, "' is no transactional id of the prefix '", judgement.prefix(), "'"));
  }
  FoundTransaction found;
  found.id = id;
  WEIR_ASSIGN_OR_RETURN(const auto described, client_->DescribeTransactions({id}, kStepTimeout));
  const auto one = described.find(id);
  if (one == described.end()) {
    return absl::NotFoundError(
        absl::StrCat("the brokers do not know the transactional id '", id, "' (any more)"));
  }
  found.described = one->second;
  if (judgement.NeedsMarker(id, found.described.state)) {
    WEIR_ASSIGN_OR_RETURN(found.marker, ReadMarker(id));
  }
  return found;
}

absl::StatusOr<std::vector<SinkTransaction>> KafkaSinkTransactions::List(
    const SinkTransactionFacts& facts) {
  WEIR_ASSIGN_OR_RETURN(const TransactionJudgement judgement, Judge(facts));
  WEIR_ASSIGN_OR_RETURN(const std::vector<ListedTransaction> listed,
                        client_->ListTransactions({}, kStepTimeout));
  std::vector<std::string> ids;
  for (const ListedTransaction& one : listed) {
    if (judgement.Names(one.transactional_id)) ids.push_back(one.transactional_id);
  }
  std::vector<SinkTransaction> rows;
  if (ids.empty()) return rows;
  WEIR_ASSIGN_OR_RETURN(const auto described, client_->DescribeTransactions(ids, kStepTimeout));
  for (const std::string& id : ids) {
    const auto one = described.find(id);
    if (one == described.end()) continue;  // expired between both
    FoundTransaction found{id, one->second, std::nullopt};
    if (judgement.NeedsMarker(id, found.described.state)) {
      WEIR_ASSIGN_OR_RETURN(found.marker, ReadMarker(id));
    }
    rows.push_back(DescribeFound(judgement, found, clock_.Now()));
  }
  return rows;
}

absl::StatusOr<std::vector<std::string>> KafkaSinkTransactions::Explain(
    const SinkTransactionFacts& facts, const std::string& id) {
  WEIR_ASSIGN_OR_RETURN(const TransactionJudgement judgement, Judge(facts));
  WEIR_ASSIGN_OR_RETURN(const FoundTransaction found, Find(judgement, id));
  return ExplainFound(judgement, found, clock_.Now());
}

absl::StatusOr<std::vector<std::string>> KafkaSinkTransactions::Abort(
    const SinkTransactionFacts& facts, const std::string& id) {
  WEIR_ASSIGN_OR_RETURN(const TransactionJudgement judgement, Judge(facts));
  WEIR_ASSIGN_OR_RETURN(const FoundTransaction found, Find(judgement, id));
  WEIR_RETURN_IF_ERROR(judgement.CheckMayEnd(found));
  const DescribedTransaction& was = found.described;
  if (!IsOpen(was.state)) {
    return std::vector<std::string>{absl::StrCat("'", id, "' has no open transaction (",
                                                 TransactionStateName(was.state),
                                                 "); nothing had to be ended.")};
  }
  WEIR_ASSIGN_OR_RETURN(const ProducerIdAndEpoch now,
                        client_->InitProducerId(id, kTransactionTimeout, kStepTimeout));
  return std::vector<std::string>{
      absl::StrCat("The transaction of '", id, "' is ended; producer id ", was.producer.producer_id,
                   ", epoch ", was.producer.epoch, ", is fenced by producer id ", now.producer_id,
                   ", epoch ", now.epoch, ".")};
}

}  // namespace weir::kafka
