#include "taskmanager/worker/dead_letter_inspection.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/status_macros.h"
#include "common/connector/dead_letter_box.h"

namespace weir::taskmanager {
namespace {

constexpr size_t kShown = 20;
constexpr size_t kMostShown = 1'000;
// Of all keys and values of an answer; what is over is left out.
constexpr size_t kMostBytes = size_t{2} << 20;

struct InspectedBox {
  std::string operator_uid;
  std::unique_ptr<DeadLetterBox> box;
};

absl::StatusOr<std::vector<InspectedBox>> BoxesOf(const StreamGraph& graph,
                                                  const std::string& job_id,
                                                  const std::string& wanted) {
  std::vector<InspectedBox> boxes;
  std::vector<std::string> uids;
  for (const StreamNode& node : graph.nodes) {
    if (!node.reads_dead_letters) continue;
    const StreamNode& origin = graph.nodes[node.inputs.at(0).node - 1];
    uids.push_back(absl::StrCat("'", origin.uid, "'"));
    if (!wanted.empty() && origin.uid != wanted) continue;
    WEIR_ASSIGN_OR_RETURN(auto box,
                          node.sink->MakeDeadLetterBox(
                              {job_id, origin.uid, origin.kind == StreamNode::Kind::kSource}));
    if (box != nullptr) boxes.push_back({origin.uid, std::move(box)});
  }
  if (uids.empty()) {
    return absl::FailedPreconditionError("no operator of the job sends records to dead letters");
  }
  if (boxes.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the job has no operator '", wanted,
                                                   "' with dead letters; it has ",
                                                   absl::StrJoin(uids, ", ")));
  }
  return boxes;
}

absl::StatusOr<proto::DeadLettersResponse> List(const std::vector<InspectedBox>& boxes) {
  proto::DeadLettersResponse response;
  for (const InspectedBox& one : boxes) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<DeadLetterPartition> partitions, one.box->List());
    for (const DeadLetterPartition& partition : partitions) {
      proto::DeadLetterTopic* row = response.add_topics();
      row->set_operator_uid(one.operator_uid);
      row->set_topic(one.box->topic());
      row->set_partition(partition.partition);
      row->set_begin(partition.begin);
      row->set_end(partition.end);
      if (partition.replayed_to.has_value()) row->set_replayed_to(*partition.replayed_to);
    }
  }
  return response;
}

absl::StatusOr<proto::DeadLettersResponse> Show(DeadLetterBox& box,
                                                const proto::DeadLettersRequest& question) {
  DeadLetterBox::ReadOptions options;
  options.limit = question.limit() == 0 ? kShown : question.limit();
  if (options.limit > kMostShown) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", kMostShown, " dead letters are shown at a time"));
  }
  options.all = question.all();
  WEIR_ASSIGN_OR_RETURN(const std::vector<StoredDeadLetter> letters, box.Read(options));
  proto::DeadLettersResponse response;
  size_t bytes = 0;
  for (const StoredDeadLetter& letter : letters) {
    proto::DeadLetterRecord* record = response.add_letters();
    record->set_partition(letter.partition);
    record->set_offset(letter.offset);
    record->set_timestamp_ms(letter.timestamp_ms);
    for (const auto& [name, value] : letter.headers) (*record->mutable_headers())[name] = value;
    if (!question.contents()) continue;
    bytes += letter.key.value_or("").size() + letter.value.value_or("").size();
    if (bytes > kMostBytes) continue;
    if (letter.key.has_value()) record->set_key(*letter.key);
    if (letter.value.has_value()) record->set_value(*letter.value);
  }
  return response;
}

absl::StatusOr<proto::DeadLettersResponse> Replay(DeadLetterBox& box,
                                                  const proto::DeadLettersRequest& question) {
  WEIR_ASSIGN_OR_RETURN(const uint64_t replayed,
                        box.Replay({question.target(), static_cast<size_t>(question.limit())}));
  proto::DeadLettersResponse response;
  response.set_replayed(replayed);
  return response;
}

absl::StatusOr<proto::DeadLettersResponse> Answer(const StreamGraph& graph,
                                                  const std::string& job_id,
                                                  const proto::DeadLettersRequest& question) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<InspectedBox> boxes,
                        BoxesOf(graph, job_id, question.operator_uid()));
  if (question.verb() == proto::DeadLettersRequest::LIST) return List(boxes);
  if (boxes.size() > 1) {
    std::vector<std::string> uids;
    for (const InspectedBox& one : boxes) uids.push_back(absl::StrCat("'", one.operator_uid, "'"));
    return absl::InvalidArgumentError(absl::StrCat("the operators ", absl::StrJoin(uids, " and "),
                                                   " have dead letters; --operator says whose"));
  }
  DeadLetterBox& box = *boxes.front().box;
  WEIR_ASSIGN_OR_RETURN(proto::DeadLettersResponse response,
                        question.verb() == proto::DeadLettersRequest::SHOW ? Show(box, question)
                                                                           : Replay(box, question));
  response.set_operator_uid(boxes.front().operator_uid);
  return response;
}

}  // namespace

proto::TransactionsResult InspectDeadLetters(const StreamGraph& graph, const proto::JobGraph& plan,
                                             const proto::RunTransactions& request) {
  absl::StatusOr<proto::DeadLettersResponse> answer = absl::FailedPreconditionError(
      "the plan of the job differs from the one its binary makes of the same arguments");
  if (plan.fingerprint() == request.facts().fingerprint()) {
    answer = Answer(graph, request.facts().job(), request.dead_letters());
  }
  proto::TransactionsResult result;
  result.set_request(request.request());
  if (answer.ok()) {
    *result.mutable_dead_letters() = *std::move(answer);
  } else {
    result.set_code(static_cast<int32_t>(answer.status().code()));
    result.set_error(std::string(answer.status().message()));
  }
  return result;
}

}  // namespace weir::taskmanager
