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
    : random_(random), task_managers_(task_managers), questions_(executor) {}

void TransactionInquiries::Ask(proto::RunTransactions message, Done done) {
  if (questions_.size() >= kMax) {
    return done(
        absl::UnavailableError(absl::StrCat(kMax, " questions about jobs' sinks are under way")));
  }
  message.set_request(random_.HexId("transactions-"));
  questions_.Add(message.request(), kTimeout,
                 absl::UnknownError("the TaskManager that was to look at the job's sinks did not "
                                    "answer"),
                 std::move(done));
  if (!task_managers_.RunTransactions(message)) {
    questions_.Answered(message.request(),
                        absl::ResourceExhaustedError(
                            "no TaskManager is registered that could look at the job's sinks"));
  }
}

void TransactionInquiries::OnResult(const proto::TransactionsResult& result) {
  if (result.code() == 0) {
    questions_.Answered(result.request(), result);
  } else {
    questions_.Answered(result.request(), StatusOf(result));
  }
}

}  // namespace weir::jobmanager
