#include "jobmanager/dispatcher/dispatcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "common/base/log.h"
#include "common/base/version.h"
#include "common/config/options.h"

namespace weir::jobmanager {
namespace {
// How often a leader with nothing to append looks whether another one has taken over.
constexpr absl::Duration kLookAheadInterval = absl::Seconds(2);
}  // namespace

Dispatcher::Dispatcher(Identity identity, Dependencies dependencies)
    : identity_(std::move(identity)), deps_(std::move(dependencies)) {}

Dispatcher::~Dispatcher() { deps_.executor.Cancel(look_ahead_timer_); }

void Dispatcher::Lose(const absl::Status& why) {
  if (lost_) return;
  lost_ = true;
  serving_ = false;
  LogError("leadership lost", {{"term", term_.number()}, {"reason", why}});
  deps_.on_lost(why);
}

void Dispatcher::TakeOver(std::function<void()> done) {
  taken_over_ = std::move(done);
  cluster_log_ = std::make_unique<ClusterLog>(
      deps_.layout, CreateOnlyLog::Dependencies{deps_.files, deps_.pool, deps_.executor},
      deps_.random);
  cluster_log_->Load(lifetime_.Guard([this](const absl::Status& loaded) {
    if (!loaded.ok()) return Lose(loaded);
    cluster_log_->TakeOver(identity_.cluster, deps_.random.HexId(), identity_.address,
                           lifetime_.Guard([this](const absl::Status& taken) {
                             if (!taken.ok()) return Lose(taken);
                             OnTermOwned();
                           }));
  }));
}

void Dispatcher::OnTermOwned() {
  term_ = cluster_log_->history().newest_term();
  LogInfo("term taken", {{"cluster", identity_.cluster}, {"term", term_.number()}});
  const std::string path = deps_.layout.ProbePath(term(), term_.nonce());
  deps_.pool.Run<absl::Status>(
      deps_.executor,
      [&files = deps_.files, path, directory = deps_.layout.ProbeDirectory(),
       nonce = term_.nonce()] {
        const absl::Status made = files.MakeDirectory(directory);
        return made.ok() ? files.Replace(path, nonce) : made;
      },
      lifetime_.Guard([this](const absl::Status& written) {
        if (absl::IsUnavailable(written)) {
          deps_.executor.PostAfter(absl::Milliseconds(100),
                                   lifetime_.Guard([this] { OnTermOwned(); }));
          return;
        }
        if (!written.ok()) return Lose(written);
        LeaderIdentity leader;
        leader.term = term();
        leader.nonce = term_.nonce();
        leader.cluster = identity_.cluster;
        leader.sender = identity_.process;
        leader.probe_path =
            absl::StrCat(identity_.cluster, "/probe/", term_.number(), "-", term_.nonce());
        TaskManagerRegistry::Options options;
        options.heartbeat_interval = deps_.config.Get(options::kHeartbeatInterval);
        options.suspect_after = deps_.config.Get(options::kHeartbeatSuspectAfter);
        options.report_timeout = deps_.config.Get(options::kHeartbeatTaskmanagerTimeout);
        task_managers_ = std::make_unique<TaskManagerRegistry>(
            leader, options, TaskManagerRegistry::Dependencies{deps_.clock, deps_.executor, *this});
        planning_ = std::make_unique<Planning>(deps_.executor, deps_.random, *task_managers_);
        inquiries_ =
            std::make_unique<TransactionInquiries>(deps_.executor, deps_.random, *task_managers_);
        worker_logs_ =
            std::make_unique<WorkerLogInquiries>(deps_.executor, deps_.random, *task_managers_);
        std::vector<JobId> jobs;
        for (const auto& [job, registered] : cluster_log_->history().jobs()) jobs.push_back(job);
        AdoptNext(std::move(jobs), [this] { Serve(); });
      }));
}

std::unique_ptr<JobMaster> Dispatcher::MakeJobMaster(const JobId& job) {
  return std::make_unique<JobMaster>(
      job, term_,
      JobMaster::Dependencies{deps_.clock, deps_.executor, deps_.pool, deps_.files, deps_.random,
                              *task_managers_, deps_.layout,
                              lifetime_.Guard([this](const absl::Status& why) { Lose(why); }),
                              [this](const std::map<std::string, std::string>& submitted) {
                                return MakeJobOptions(deps_.config, submitted);
                              },
                              [this] { return EndedJobs(); }});
}

// One whose log cannot be read may well be alive, and so may one that is registered later.
std::vector<std::string> Dispatcher::EndedJobs() const {
  std::vector<std::string> ended;
  for (const auto& [id, job] : jobs_) {
    if (job->history().terminal() != nullptr) ended.push_back(id.value());
  }
  return ended;
}

void Dispatcher::AdoptNext(std::vector<JobId> left, std::function<void()> done) {
  if (left.empty()) return done();
  const JobId job = left.back();
  left.pop_back();
  auto master = MakeJobMaster(job);
  JobMaster* raw = master.get();
  jobs_[job] = std::move(master);
  raw->Adopt(lifetime_.Guard([this, job, left = std::move(left),
                              done = std::move(done)](const absl::Status& adopted) mutable {
    if (absl::IsAborted(adopted)) return;  // stale; on_lost is on its way
    if (!adopted.ok()) {
      LogError("job cannot be adopted: its log is not readable",
               {{"job", job}, {"error", adopted}});
      unreadable_[job] = adopted;
      deps_.executor.Post(lifetime_.Guard([this, job] { jobs_.erase(job); }));
    }
    AdoptNext(std::move(left), std::move(done));
  }));
}

void Dispatcher::Serve() {
  serving_ = true;
  LogInfo("leading", {{"term", term_.number()}, {"jobs", jobs_.size()}});
  for (auto& [id, job] : jobs_) {
    if (job->history().submitted() && unreadable_.count(id) == 0) job->Run();
  }
  LookAheadLater();
  taken_over_();
}

void Dispatcher::LookAheadLater() {
  look_ahead_timer_ = deps_.executor.PostAfter(kLookAheadInterval, lifetime_.Guard([this] {
    cluster_log_->LookAhead(lifetime_.Guard([this](const absl::Status& status) {
      if (!status.ok()) return Lose(status);
      LookAheadLater();
    }));
  }));
}

absl::StatusOr<JobMaster*> Dispatcher::FindJob(const std::string& id_or_name) {
  const auto it = jobs_.find(JobId(id_or_name));
  if (it != jobs_.end()) return it->second.get();
  // By name: the one that has not ended, else the newest that has.
  std::vector<std::string> live;
  JobMaster* found = nullptr;
  for (auto& [id, job] : jobs_) {
    if (!job->history().submitted() || job->history().submission().name() != id_or_name) continue;
    const bool alive = !IsTerminal(job->state());
    if (alive) live.push_back(id.value());
    const bool newer = found == nullptr || job->history().submission().submitted_at_ms() >
                                               found->history().submission().submitted_at_ms();
    if (alive || (live.empty() && newer)) found = job.get();
  }
  if (live.size() > 1) {
    return absl::FailedPreconditionError(
        absl::StrCat(live.size(), " jobs are named '", id_or_name,
                     "'; say which one by its id: ", absl::StrJoin(live, ", ")));
  }
  if (found != nullptr) return found;
  if (const auto unread = unreadable_.find(JobId(id_or_name)); unread != unreadable_.end()) {
    return absl::FailedPreconditionError(
        absl::StrCat("job ", id_or_name, " cannot be taken over: ", unread->second.message()));
  }
  return absl::NotFoundError(absl::StrCat("there is no job '", id_or_name, "'"));
}

void Dispatcher::ListJobs(proto::ListJobsRequest request, Reply<proto::ListJobsResponse> reply) {
  (void)request;
  proto::ListJobsResponse response;
  for (auto& [id, job] : jobs_) {
    if (job->history().submitted()) *response.add_jobs() = job->Summary();
  }
  for (const auto& [id, why] : unreadable_) {
    proto::JobSummary* job = response.add_jobs();
    job->set_job(id.value());
    job->set_name("?");  // its log knows
    job->set_state("UNREADABLE");
    job->set_reason(absl::StrCat("cannot be taken over: ", why.message()));
  }
  reply(std::move(response));
}

void Dispatcher::DescribeJob(proto::DescribeJobRequest request, Reply<proto::JobDetails> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  reply((*job)->Details());
}

void Dispatcher::AwaitJobEvents(proto::WatchJobRequest request,
                                Reply<std::vector<proto::JobEvent>> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  (*job)->AwaitEvents(request.after_sequence(), std::move(reply));
}

void Dispatcher::ListCheckpoints(proto::ListCheckpointsRequest request,
                                 Reply<proto::ListCheckpointsResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  if (!request.has_epoch()) return reply((*job)->Checkpoints());
  absl::StatusOr<proto::CheckpointDetails> details = (*job)->Checkpoint(Epoch(request.epoch()));
  if (!details.ok()) return reply(details.status());
  proto::ListCheckpointsResponse response;
  *response.add_checkpoints() = *std::move(details);
  reply(std::move(response));
}

void Dispatcher::Transactions(proto::TransactionsRequest request,
                              Reply<proto::TransactionsResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  proto::RunTransactions message;
  const proto::JobSubmitted& submission = (*job)->history().submission();
  message.set_artifact(submission.artifact());
  *message.mutable_arguments() = submission.arguments();
  if (!IsTransactional(submission.graph())) {
    return reply(absl::FailedPreconditionError(
        absl::StrCat("job '", submission.name(), "' has no sink with transactions")));
  }
  *message.mutable_question() = std::move(request);
  (*job)->TellTransactionFacts(lifetime_.Guard(
      [this, message, reply](absl::StatusOr<proto::TransactionFacts> facts) mutable {
        if (!facts.ok()) return reply(facts.status());
        *message.mutable_facts() = *std::move(facts);
        inquiries_->Ask(std::move(message),
                        [reply](const absl::StatusOr<proto::TransactionsResult>& result) {
                          if (!result.ok()) return reply(result.status());
                          reply(result->response());
                        });
      }));
}

void Dispatcher::DeadLetters(proto::DeadLettersRequest request,
                             Reply<proto::DeadLettersResponse> reply) {
  absl::StatusOr<JobMaster*> job = FindJob(request.job());
  if (!job.ok()) return reply(job.status());
  const proto::JobSubmitted& submission = (*job)->history().submission();
  proto::RunTransactions message;
  message.set_artifact(submission.artifact());
  *message.mutable_arguments() = submission.arguments();
  message.mutable_facts()->set_job((*job)->job().value());
  message.mutable_facts()->set_fingerprint(submission.graph().fingerprint());
  *message.mutable_dead_letters() = std::move(request);
  inquiries_->Ask(std::move(message),
                  [reply](const absl::StatusOr<proto::TransactionsResult>& result) {
                    if (!result.ok()) return reply(result.status());
                    reply(result->dead_letters());
                  });
}

void Dispatcher::DescribeCluster(proto::DescribeClusterRequest request,
                                 Reply<proto::ClusterDetails> reply) {
  (void)request;
  proto::ClusterDetails details;
  details.set_cluster_id(identity_.cluster);
  details.set_version(kVersion);
  details.set_leader_address(identity_.address);
  details.set_term(term_.number());
  details.set_leader_pid(identity_.pid);
  for (proto::TaskManagerDetails& one : task_managers_->Describe()) {
    *details.add_task_managers() = std::move(one);
  }
  reply(std::move(details));
}

void Dispatcher::OnSlotsChanged() {
  for (auto& [id, job] : jobs_) job->OnSlotsChanged();
}

void Dispatcher::OnTaskManagerLost(const TaskManagerId& id, const TaskManagerRegistry::Loss& loss) {
  for (auto& [job_id, job] : jobs_) job->OnTaskManagerLost(id, loss);
}

void Dispatcher::OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) {
  const auto job = jobs_.find(JobId(status.job()));
  if (job != jobs_.end()) job->second->OnWorkerStatus(id, status);
}

void Dispatcher::OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report) {
  const auto job = jobs_.find(JobId(header.job()));
  if (job != jobs_.end()) job->second->OnWorkerReport(header, report);
}

void Dispatcher::OnPlannerResult(const proto::PlannerResult& result) {
  planning_->OnResult(result);
}

void Dispatcher::OnTransactionsResult(const proto::TransactionsResult& result) {
  inquiries_->OnResult(result);
}

void Dispatcher::OnWorkerLogsResult(const proto::WorkerLogsResult& result) {
  worker_logs_->OnResult(result);
}

}  // namespace weir::jobmanager
