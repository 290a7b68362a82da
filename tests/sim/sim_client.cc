#include "tests/sim/sim_client.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir::sim {

SimClient::SimClient(SimEnvironment& environment,
                     std::function<std::vector<SimJobManager*>()> leaders)
    : environment_(environment),
      leaders_(std::move(leaders)),
      random_(environment.world.Fork("client")) {}

void SimClient::Start() {
  environment_.world.Schedule(absl::Milliseconds(Between(random_, 0, 800)), [this] { Tick(); });
}

void SimClient::Tick() {
  const std::vector<SimJobManager*> alive = leaders_();
  if (!alive.empty()) {
    SimJobManager& leader = *alive[random_.Below(alive.size())];
    leader.process().executor.Post([this, &leader] {
      // A retry although it was acknowledged must change nothing.
      if (job_.empty() || Chance(random_, 50)) Submit(leader);
      if (!job_.empty()) Describe(leader);
      if (cancel_wanted_ && !job_.empty()) Cancel(leader);
      if (environment_.config.requests > 0 && !job_.empty()) SuspendResumeOrRestart(leader);
      if (stop_wanted_ && !job_.empty()) {
        proto::StopJobRequest request;
        request.set_job(job_);
        leader.job_manager().StopJob(request, [](const absl::StatusOr<proto::StopJobResponse>&) {});
      }
    });
  }
  environment_.world.Schedule(absl::Milliseconds(Between(random_, 200, 700)), [this] { Tick(); });
}

void SimClient::Submit(SimJobManager& leader) {
  proto::SubmitJobRequest request;
  request.set_client_token("token");
  request.set_artifact("model");
  for (const auto& [key, value] : environment_.config.job_options) {
    (*request.mutable_configuration())[key] = value;
  }
  leader.job_manager().SubmitJob(
      request, [this, &leader](const absl::StatusOr<proto::SubmitJobResponse>& response) {
        environment_.world.Schedule(
            absl::Milliseconds(Between(random_, 0, 5)),
            [this, response, term = TermOf(leader)] { OnSubmitted(response, term); });
      });
}

// A cancel that is repeated gives nothing up. What cannot be settled is abandoned now and then,
// where the client is told that something is lost for good.
void SimClient::Cancel(SimJobManager& leader) {
  if (state_ == "CANCELED") return;
  proto::CancelJobRequest request;
  request.set_job(job_);
  const bool lost = absl::StrContains(reason_, "cannot be settled") &&
                    absl::StrContains(reason_, "is owned, but its transaction");
  if (state_ == "CANCELLING" && lost && Chance(random_, 300)) {
    environment_.world.Trace("gives up", "client", reason_);
    gave_up_ = true;
    request.set_abandon_transactions(true);
  }
  leader.job_manager().CancelJob(request, [](const absl::StatusOr<proto::CancelJobResponse>&) {});
}

void SimClient::SuspendResumeOrRestart(SimJobManager& leader) {
  jobmanager::JobManager& manager = leader.job_manager();
  if (state_ == "SUSPENDED" && suspended_by_request() && (left_alone_ || Chance(random_, 400))) {
    environment_.world.Trace("resumes", "client");
    proto::ResumeJobRequest request;
    request.set_job(job_);
    manager.ResumeJob(request, [](const absl::StatusOr<proto::ResumeJobResponse>&) {});
  }
  if (left_alone_ || !Chance(random_, environment_.config.requests)) return;
  if (Chance(random_, 300)) {
    environment_.world.Trace("restarts", "client");
    proto::RestartJobRequest request;
    request.set_job(job_);
    return manager.RestartJob(request, [](const absl::StatusOr<proto::RestartJobResponse>&) {});
  }
  environment_.world.Trace("suspends", "client");
  proto::SuspendJobRequest request;
  request.set_job(job_);
  request.set_wait(Chance(random_, 500));
  manager.SuspendJob(request, [](const absl::StatusOr<proto::SuspendJobResponse>&) {});
}

LeaderTerm SimClient::TermOf(SimJobManager& leader) {
  const jobmanager::Dispatcher* dispatcher = leader.job_manager().dispatcher();
  return dispatcher == nullptr ? LeaderTerm() : dispatcher->term();
}

void SimClient::OnSubmitted(const absl::StatusOr<proto::SubmitJobResponse>& response,
                            LeaderTerm term) {
  if (!response.ok()) {
    environment_.world.Trace("submission refused", std::string(response.status().message()));
    if (absl::IsInvalidArgument(response.status())) {
      environment_.world.Violate("Registration", response.status().ToString());
    }
    return;
  }
  environment_.world.Trace("submission acknowledged", response->job());
  const auto& registered = environment_.truth.cluster.jobs();
  if (registered.count(JobId(response->job())) == 0) {
    return environment_.world.Violate(
        "Registration",
        absl::StrCat("job ", response->job(), " was acknowledged and is not in the cluster log"));
  }
  const auto log = environment_.truth.jobs.find(response->job());
  if (log == environment_.truth.jobs.end() || !log->second.history.submitted()) {
    return environment_.world.Violate("Registration",
                                      absl::StrCat("job ", response->job(), " has no log"));
  }
  if (!job_.empty() && job_ != response->job()) {
    return environment_.world.Violate(
        "Registration", absl::StrCat("one token is job ", job_, " and ", response->job()));
  }
  if (job_.empty()) acknowledged_in_ = term;
  job_ = response->job();
}

void SimClient::Describe(SimJobManager& leader) {
  // A leader older than the one that acknowledged, and not aware of it yet, may know less.
  if (TermOf(leader) < acknowledged_in_) return;
  proto::DescribeJobRequest request;
  request.set_job(job_);
  leader.job_manager().DescribeJob(
      request, [this](const absl::StatusOr<proto::JobDetails>& details) { OnDescribed(details); });
}

void SimClient::OnDescribed(const absl::StatusOr<proto::JobDetails>& details) {
  if (absl::IsNotFound(details.status())) {
    environment_.world.Violate("Registration", absl::StrCat("a leader does not know job ", job_));
  }
  if (!details.ok()) return;
  const proto::JobSummary& summary = details->summary();
  if (summary.state() != state_ || summary.reason() != reason_) {
    environment_.world.Trace("client sees", summary.state(), summary.reason());
    state_ = summary.state();
    reason_ = summary.reason();
  }
  // Where nothing expires, nothing can be lost.
  if (state_ == "FAILED" || (suspended() && !environment_.config.retention)) {
    environment_.world.Violate("Liveness",
                               absl::StrCat("the job is ", state_, ": ", summary.reason()));
  }
}

}  // namespace weir::sim
