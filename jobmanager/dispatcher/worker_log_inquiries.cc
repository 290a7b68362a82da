#include "jobmanager/dispatcher/worker_log_inquiries.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir::jobmanager {
namespace {

// The newest worker last; of two that live, nobody knows.
bool ComesBefore(const proto::WorkerLog& left, const proto::WorkerLog& right) {
  const auto key = [](const proto::WorkerLog& log) {
    return std::make_tuple(log.alive(), log.alive() ? 0 : log.written_at_ms(), log.task_manager(),
                           log.worker());
  };
  return key(left) < key(right);
}

}  // namespace

WorkerLogInquiries::WorkerLogInquiries(Executor& executor, Random& random,
                                       TaskManagerRegistry& task_managers)
    : random_(random), task_managers_(task_managers), questions_(executor) {}

void WorkerLogInquiries::Ask(const Question& question, Done done) {
  if (questions_.size() >= kMax) {
    return done(absl::UnavailableError(absl::StrCat(kMax, " questions about logs are under way")));
  }
  const std::vector<proto::TaskManagerDetails> all = task_managers_.Describe();
  proto::ReadWorkerLogs message;
  message.set_job(question.job.value());
  message.set_worker(question.request.worker());
  message.set_tail_lines(question.request.tail_lines());
  *message.mutable_positions() = question.request.positions();
  message.set_max_bytes(std::max(kMaxBytes / std::max<uint64_t>(all.size(), 1), kMinBytesEach));
  auto gathering = std::make_shared<Gathering>();
  gathering->worker = question.request.worker();
  gathering->done = std::move(done);
  gathering->left = 1;
  std::set<TaskManagerId> missing = question.expected;
  for (const proto::TaskManagerDetails& one : all) {
    missing.erase(TaskManagerId(one.task_manager()));
    AskOne(TaskManagerId(one.task_manager()), message, gathering);
  }
  for (const TaskManagerId& id : missing) {
    gathering->response.add_away(absl::StrCat("TaskManager ", id.value(), " is away"));
  }
  if (--gathering->left == 0) Finish(*gathering);
}

void WorkerLogInquiries::AskOne(const TaskManagerId& id, proto::ReadWorkerLogs message,
                                const std::shared_ptr<Gathering>& gathering) {
  ++gathering->left;
  message.set_request(random_.HexId("logs-"));
  questions_.Add(
      message.request(), kTimeout,
      absl::UnavailableError(
          absl::StrCat("did not answer within ", absl::FormatDuration(kTimeout))),
      [id, gathering](absl::StatusOr<proto::WorkerLogsResult> result) {
        std::string trouble;
        if (!result.ok()) {
          trouble = std::string(result.status().message());
        } else if (!result->error().empty()) {
          trouble = absl::StrCat("answered: ", result->error());
        } else {
          gathering->response.mutable_logs()->MergeFrom(result->logs());
        }
        if (!trouble.empty()) {
          gathering->response.add_away(absl::StrCat("TaskManager ", id.value(), " ", trouble));
        }
        if (--gathering->left == 0) Finish(*gathering);
      });
  if (!task_managers_.ReadWorkerLogs(id, message)) {
    questions_.Answered(message.request(), absl::UnavailableError("is away"));
  }
}

void WorkerLogInquiries::Finish(Gathering& gathering) {
  proto::ReadJobLogsResponse& response = gathering.response;
  std::sort(response.mutable_logs()->begin(), response.mutable_logs()->end(), ComesBefore);
  if (!gathering.worker.empty()) {
    if (response.logs().empty() && response.away().empty()) {
      return gathering.done(absl::NotFoundError(
          absl::StrCat("no TaskManager has a log of worker '", gathering.worker, "' of this job")));
    }
    if (!response.logs().empty()) response.clear_away();  // whoever is away has not got it
  }
  gathering.done(std::move(response));
}

void WorkerLogInquiries::OnResult(const proto::WorkerLogsResult& result) {
  questions_.Answered(result.request(), result);
}

}  // namespace weir::jobmanager
