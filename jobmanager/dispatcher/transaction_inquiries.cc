#include "jobmanager/dispatcher/transaction_inquiries.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {
namespace {

// What a client would take for its own cluster's is told apart: it would ask again, or say that the
// JobManager did not answer.
absl::Status StatusOf(const proto::TransactionsResult& result) {
  const auto code = static_cast<absl::StatusCode>(result.code());
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
      return absl::Status(code, result.error());
    default:
      return absl::UnknownError(result.error());
  }
}

}  // namespace

TransactionInquiries::TransactionInquiries(Executor& executor, Random& random,
                                           TaskManagerRegistry& task_managers)
    : executor_(executor), random_(random), task_managers_(task_managers) {}

TransactionInquiries::~TransactionInquiries() {
  for (auto& [id, request] : requests_) executor_.Cancel(request.timer);
}

void TransactionInquiries::Ask(proto::RunTransactions message, Done done) {
  if (requests_.size() >= kMax) {
    return done(
        absl::UnavailableError(absl::StrCat(kMax, " questions about transactions are under way")));
  }
  message.set_request(random_.HexId("transactions-"));
  const std::string id = message.request();
  Request& request = requests_[id];
  request.done = std::move(done);
  request.timer = executor_.PostAfter(kTimeout, lifetime_.Guard([this, id] {
    Finish(id, absl::UnknownError(
                   "the TaskManager that was to look at the job's transactions did not answer"));
  }));
  if (!task_managers_.RunTransactions(message)) {
    Finish(id, absl::ResourceExhaustedError(
                   "no TaskManager is registered that could look at the job's transactions"));
  }
}

void TransactionInquiries::OnResult(const proto::TransactionsResult& result) {
  if (result.code() == 0) {
    Finish(result.request(), result.response());
  } else {
    Finish(result.request(), StatusOf(result));
  }
}

void TransactionInquiries::Finish(const std::string& id,
                                  absl::StatusOr<proto::TransactionsResponse> answer) {
  const auto it = requests_.find(id);
  if (it == requests_.end()) return;
  executor_.Cancel(it->second.timer);
  const Done done = std::move(it->second.done);
  requests_.erase(it);
  done(std::move(answer));
}

}  // namespace weir::jobmanager
