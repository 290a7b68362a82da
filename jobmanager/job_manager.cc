#include "jobmanager/job_manager.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/protocol_version.h"
#include "common/net/leader_redirect.h"

namespace weir::jobmanager {
namespace {
constexpr absl::Duration kWatchInterval = absl::Milliseconds(500);
}  // namespace

JobManager::JobManager(Dispatcher::Identity identity, Dispatcher::Dependencies dependencies,
                       LeaderElection& election)
    : identity_(std::move(identity)), deps_(std::move(dependencies)), election_(election) {}

JobManager::~JobManager() { deps_.executor.Cancel(watch_timer_); }

std::string JobManager::LeaderFilePath() const {
  return absl::StrCat(deps_.layout.cluster_directory(), "/leader.address");
}

void JobManager::Start() {
  started_at_ = deps_.clock.Monotonic();
  WatchLeader();
  election_.Start(lifetime_.Guard([this] {
    LogInfo("elected", {{"jobmanager", identity_.process}});
    dispatcher_ = std::make_unique<Dispatcher>(identity_, deps_);
    dispatcher_->TakeOver(lifetime_.Guard([this] { PublishAddress(); }));
  }));
}

void JobManager::PublishAddress() {
  leader_address_ = identity_.address;
  deps_.pool.Submit([&files = deps_.files, path = LeaderFilePath(), address = identity_.address] {
    const absl::Status written = files.Replace(path, address);
    if (!written.ok()) LogWarning("leader's address not published", {{"error", written}});
  });
}

void JobManager::WatchLeader() {
  if (dispatcher_ != nullptr) return;
  using Contents = absl::StatusOr<std::string>;
  deps_.pool.Run<Contents>(
      deps_.executor, [&files = deps_.files, path = LeaderFilePath()] { return files.Read(path); },
      lifetime_.Guard([this](const Contents& address) {
        storage_ = absl::IsNotFound(address.status()) ? absl::OkStatus() : address.status();
        if (address.ok() && dispatcher_ == nullptr) leader_address_ = *address;
        watch_timer_ =
            deps_.executor.PostAfter(kWatchInterval, lifetime_.Guard([this] { WatchLeader(); }));
      }));
}

JobManagerStatus JobManager::Status() const {
  JobManagerStatus status;
  status.elected = dispatcher_ != nullptr;
  status.serving = leading();
  if (status.serving) status.term = dispatcher_->term();
  status.since_start = deps_.clock.Monotonic() - started_at_;
  status.storage = storage_;
  if (!status.elected) status.election = election_.last_error();
  return status;
}

JobManager::StreamId JobManager::OnControlStreamUp(std::function<void(proto::Envelope)> send,
                                                   std::function<void()> close) {
  const StreamId id = next_stream_++;
  streams_[id] = Stream{std::move(send), std::move(close), std::nullopt};
  return id;
}

void JobManager::OnControlMessage(StreamId id, const proto::Envelope& envelope) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  Stream& stream = it->second;
  if (!leading()) return AnswerAsStandby(stream);
  if (!stream.session) {
    stream.session = dispatcher_->task_managers().OnStreamOpened(stream.send, stream.close);
  }
  dispatcher_->task_managers().OnMessage(*stream.session, envelope);
}

void JobManager::OnControlStreamDown(StreamId id) {
  const auto it = streams_.find(id);
  if (it == streams_.end()) return;
  const std::optional<SessionId> session = it->second.session;
  streams_.erase(it);
  if (session && leading()) dispatcher_->task_managers().OnStreamBroken(*session);
}

void JobManager::AnswerAsStandby(const Stream& stream) {
  proto::Envelope envelope;
  envelope.mutable_header()->set_protocol_version(kProtocolVersion);
  envelope.mutable_header()->set_cluster(identity_.cluster);
  envelope.mutable_header()->set_sender(identity_.process);
  proto::RegistrationReply* reply = envelope.mutable_registration_reply();
  reply->set_reason("this JobManager does not lead");
  if (leader_address_ != identity_.address) reply->set_leader_address(leader_address_);
  stream.send(std::move(envelope));
}

template <class Request, class Response>
void JobManager::Forward(void (ClientApi::*method)(Request, Reply<Response>), Request request,
                         Reply<Response> reply) {
  if (!leading()) {
    return reply(NotLeaderError(leader_address_ == identity_.address ? "" : leader_address_));
  }
  (dispatcher_.get()->*method)(std::move(request), std::move(reply));
}

void JobManager::Plan(proto::PlanRequest request, Reply<proto::PlanResponse> reply) {
  Forward(&ClientApi::Plan, std::move(request), std::move(reply));
}

void JobManager::SubmitJob(proto::SubmitJobRequest request, Reply<proto::SubmitJobResponse> reply) {
  Forward(&ClientApi::SubmitJob, std::move(request), std::move(reply));
}

void JobManager::ListJobs(proto::ListJobsRequest request, Reply<proto::ListJobsResponse> reply) {
  Forward(&ClientApi::ListJobs, std::move(request), std::move(reply));
}

void JobManager::DescribeJob(proto::DescribeJobRequest request, Reply<proto::JobDetails> reply) {
  Forward(&ClientApi::DescribeJob, std::move(request), std::move(reply));
}

void JobManager::AwaitJobEvents(proto::WatchJobRequest request,
                                Reply<std::vector<proto::JobEvent>> reply) {
  Forward(&ClientApi::AwaitJobEvents, std::move(request), std::move(reply));
}

void JobManager::CancelJob(proto::CancelJobRequest request, Reply<proto::CancelJobResponse> reply) {
  Forward(&ClientApi::CancelJob, std::move(request), std::move(reply));
}

void JobManager::StopJob(proto::StopJobRequest request, Reply<proto::StopJobResponse> reply) {
  Forward(&ClientApi::StopJob, std::move(request), std::move(reply));
}

void JobManager::SuspendJob(proto::SuspendJobRequest request,
                            Reply<proto::SuspendJobResponse> reply) {
  Forward(&ClientApi::SuspendJob, std::move(request), std::move(reply));
}

void JobManager::ResumeJob(proto::ResumeJobRequest request, Reply<proto::ResumeJobResponse> reply) {
  Forward(&ClientApi::ResumeJob, std::move(request), std::move(reply));
}

void JobManager::RestartJob(proto::RestartJobRequest request,
                            Reply<proto::RestartJobResponse> reply) {
  Forward(&ClientApi::RestartJob, std::move(request), std::move(reply));
}

void JobManager::ReadJobLogs(proto::ReadJobLogsRequest request,
                             Reply<proto::ReadJobLogsResponse> reply) {
  Forward(&ClientApi::ReadJobLogs, std::move(request), std::move(reply));
}

void JobManager::ListCheckpoints(proto::ListCheckpointsRequest request,
                                 Reply<proto::ListCheckpointsResponse> reply) {
  Forward(&ClientApi::ListCheckpoints, std::move(request), std::move(reply));
}

void JobManager::Transactions(proto::TransactionsRequest request,
                              Reply<proto::TransactionsResponse> reply) {
  Forward(&ClientApi::Transactions, std::move(request), std::move(reply));
}

void JobManager::DeadLetters(proto::DeadLettersRequest request,
                             Reply<proto::DeadLettersResponse> reply) {
  Forward(&ClientApi::DeadLetters, std::move(request), std::move(reply));
}

void JobManager::DescribeCluster(proto::DescribeClusterRequest request,
                                 Reply<proto::ClusterDetails> reply) {
  Forward(&ClientApi::DescribeCluster, std::move(request), std::move(reply));
}

}  // namespace weir::jobmanager
