// The part of Dispatcher that hands requests to the jobs they are for.
#include <set>
#include <utility>

#include "jobmanager/dispatcher/dispatcher.h"

namespace weir::jobmanager {
namespace {

template <class Response>
JobMaster::Done Acknowledge(ClientApi::Reply<Response> reply) {
  return [reply = std::move(reply)](const absl::Status& status) {
    if (!status.ok()) return reply(status);
    reply(Response());
  };
}

}  // namespace

void Dispatcher::CancelJob(proto::CancelJobRequest request, Reply<proto::CancelJobResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  const JobMaster::Done done = Acknowledge<proto::CancelJobResponse>(std::move(reply));
  request.abandon_transactions() ? (*job)->Abandon(done) : (*job)->Cancel(done);
}

void Dispatcher::StopJob(proto::StopJobRequest request, Reply<proto::StopJobResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  (*job)->Stop(Acknowledge<proto::StopJobResponse>(std::move(reply)));
}

void Dispatcher::SuspendJob(proto::SuspendJobRequest request,
                            Reply<proto::SuspendJobResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  (*job)->RequestSuspension(request.wait(),
                            Acknowledge<proto::SuspendJobResponse>(std::move(reply)));
}

void Dispatcher::ResumeJob(proto::ResumeJobRequest request, Reply<proto::ResumeJobResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  (*job)->Resume(request.policy(), Acknowledge<proto::ResumeJobResponse>(std::move(reply)));
}

void Dispatcher::RestartJob(proto::RestartJobRequest request,
                            Reply<proto::RestartJobResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  (*job)->Restart(Generation(request.generation()),
                  Acknowledge<proto::RestartJobResponse>(std::move(reply)));
}

void Dispatcher::ReadJobLogs(proto::ReadJobLogsRequest request,
                             Reply<proto::ReadJobLogsResponse> reply) {
  absl::StatusOr<JobMaster*> found = FindJob(request.job());
  if (!found.ok()) return reply(found.status());
  const JobMaster& job = **found;
  WorkerLogInquiries::Question question;
  question.job = job.job();
  question.request = std::move(request);
  if (const proto::JobStarted* start = job.history().last_start()) {
    for (const proto::TaskPlacement& place : start->placements()) {
      question.expected.insert(TaskManagerId(place.task_manager()));
    }
  }
  const bool ended = IsTerminal(job.state());
  worker_logs_->Ask(question, [ended, reply](absl::StatusOr<proto::ReadJobLogsResponse> answer) {
    if (answer.ok()) answer->set_job_ended(ended);
    reply(std::move(answer));
  });
}

}  // namespace weir::jobmanager
