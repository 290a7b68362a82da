#include "taskmanager/worker/transaction_inspection.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "common/base/status_macros.h"
#include "common/connector/sink_transactions.h"

namespace weir::taskmanager {
namespace {

/// One sink, and what the log says of it.
struct InspectedSink {
  const StreamNode* node = nullptr;
  std::unique_ptr<SinkTransactions> transactions;
  SinkTransactionFacts facts;
};

SinkTransactionFacts FactsOf(const StreamNode& node, const std::string& job_name,
                             const proto::RunTransactions& request) {
  const proto::TransactionFacts& all = request.facts();
  SinkTransactionFacts facts;
  facts.identity = {all.cluster_id(), JobId(all.job()), job_name, OperatorUid(node.uid)};
  facts.job_state = all.job_state();
  facts.ended = all.ended();
  facts.settled = all.settled();
  facts.generation = Generation(all.generation());
  if (all.has_newest_epoch()) facts.newest_epoch = Epoch(all.newest_epoch());
  facts.ended_jobs = {all.ended_jobs().begin(), all.ended_jobs().end()};
  facts.prefix = request.question().prefix();
  for (const proto::SinkCoordinatorState& sink : all.sinks()) {
    if (sink.sink_uid() == node.uid) facts.running = sink.state();
  }
  for (const proto::CheckpointManifest& manifest : all.uncommitted()) {
    SinkTransactionFacts::OwnedEpoch& epoch = facts.uncommitted.emplace_back();
    epoch.epoch = Epoch(manifest.epoch());
    for (const proto::TaskSnapshot& task : manifest.tasks()) {
      for (const proto::OperatorSnapshot& one : task.operators()) {
        if (one.uid() != node.uid) continue;
        epoch.committables.insert(epoch.committables.end(), one.committables().begin(),
                                  one.committables().end());
      }
    }
  }
  return facts;
}

absl::StatusOr<std::vector<InspectedSink>> SinksOf(const StreamGraph& graph,
                                                   const std::string& job_name,
                                                   const proto::RunTransactions& request) {
  const std::string& wanted = request.question().sink_uid();
  std::vector<InspectedSink> sinks;
  std::vector<std::string> uids;
  for (const StreamNode& node : graph.nodes) {
    if (node.kind != StreamNode::Kind::kSink) continue;
    InspectedSink sink;
    WEIR_ASSIGN_OR_RETURN(sink.transactions, node.sink->MakeTransactions());
    if (sink.transactions == nullptr) continue;
    uids.push_back(absl::StrCat("'", node.uid, "'"));
    if (!wanted.empty() && node.uid != wanted) continue;
    sink.node = &node;
    sink.facts = FactsOf(node, job_name, request);
    sinks.push_back(std::move(sink));
  }
  if (uids.empty()) {
    return absl::FailedPreconditionError("the job has no sink with transactions");
  }
  if (sinks.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the job has no sink '", wanted,
                                                   "' with transactions; it has ",
                                                   absl::StrJoin(uids, ", ")));
  }
  if (sinks.size() > 1 && !request.question().prefix().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the job has the sinks ", absl::StrJoin(uids, " and "),
                     "; --sink says which one's topic and brokers the prefix is looked up at"));
  }
  return sinks;
}

proto::SinkTransaction ToProto(const InspectedSink& sink, const SinkTransaction& row) {
  proto::SinkTransaction encoded;
  encoded.set_sink_uid(sink.node->uid);
  encoded.set_prefix(row.prefix);
  encoded.set_transactional_id(row.id);
  encoded.set_state(row.state);
  encoded.set_producer_id(row.producer_id);
  encoded.set_producer_epoch(row.producer_epoch);
  if (row.fence.has_value()) encoded.set_fence(*row.fence);
  if (row.subtask.has_value()) encoded.set_subtask(*row.subtask);
  if (row.slot.has_value()) encoded.set_slot(*row.slot);
  if (row.age.has_value()) encoded.set_age_ms(absl::ToInt64Milliseconds(*row.age));
  encoded.set_timeout_ms(absl::ToInt64Milliseconds(row.timeout));
  if (row.marker_epoch.has_value()) encoded.set_marker_epoch(*row.marker_epoch);
  encoded.set_kind(row.kind);
  encoded.set_meaning(row.meaning);
  return encoded;
}

absl::StatusOr<proto::TransactionsResponse> Answer(std::vector<InspectedSink> sinks,
                                                   const proto::TransactionsRequest& question) {
  proto::TransactionsResponse response;
  const std::string& id = question.transactional_id();
  if (question.verb() == proto::TransactionsRequest::LIST) {
    for (const InspectedSink& sink : sinks) {
      WEIR_ASSIGN_OR_RETURN(const std::vector<SinkTransaction> rows,
                            sink.transactions->List(sink.facts));
      for (const SinkTransaction& row : rows) *response.add_transactions() = ToProto(sink, row);
    }
    return response;
  }
  for (const InspectedSink& sink : sinks) {
    if (!sink.transactions->Names(sink.facts, id)) continue;
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> sentences,
                          question.verb() == proto::TransactionsRequest::ABORT
                              ? sink.transactions->Abort(sink.facts, id)
                              : sink.transactions->Explain(sink.facts, id));
    *response.mutable_sentences() = {sentences.begin(), sentences.end()};
    return response;
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", id, "' is no transactional id of ",
      question.prefix().empty() ? "the job's sinks; --prefix names another prefix"
                                : absl::StrCat("the prefix '", question.prefix(), "'")));
}

}  // namespace

proto::TransactionsResult InspectTransactions(const StreamGraph& graph, const proto::JobGraph& plan,
                                              const proto::RunTransactions& request) {
  const auto answer = [&]() -> absl::StatusOr<proto::TransactionsResponse> {
    if (plan.fingerprint() != request.facts().fingerprint()) {
      return absl::FailedPreconditionError(
          "the plan of the job differs from the one its binary makes of the same arguments");
    }
    WEIR_ASSIGN_OR_RETURN(std::vector<InspectedSink> sinks,
                          SinksOf(graph, plan.job_name(), request));
    return Answer(std::move(sinks), request.question());
  }();
  proto::TransactionsResult result;
  result.set_request(request.request());
  if (answer.ok()) {
    *result.mutable_response() = *answer;
  } else {
    result.set_code(static_cast<int32_t>(answer.status().code()));
    result.set_error(std::string(answer.status().message()));
  }
  return result;
}

}  // namespace weir::taskmanager
