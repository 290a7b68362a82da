#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "client/cluster_client.h"
#include "client/pause.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"
#include "common/net/artifact_file.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/grpc_status.h"
#include "common/net/leader_redirect.h"
#include "common/time/system_clock.h"
#include "proto/client.grpc.pb.h"

namespace weir {
namespace {

constexpr absl::Duration kRetryPause = absl::Milliseconds(100);

class GrpcClusterClient final : public ClusterClient {
 public:
  GrpcClusterClient(ClusterClientOptions options, std::unique_ptr<GrpcChannelFactory> factory)
      : options_(std::move(options)), factory_(std::move(factory)) {}

  absl::StatusOr<std::string> UploadArtifact(const std::string& path) override {
    WEIR_RETURN_IF_ERROR(CheckJobBinary(path));
    WEIR_ASSIGN_OR_RETURN(const std::string sha256, Sha256HexOfFile(path));
    WEIR_RETURN_IF_ERROR(AtLeader([&](proto::Client::Stub& stub, grpc::ClientContext& context) {
      return SendFile(stub, context, path, sha256);
    }));
    return sha256;
  }

  absl::StatusOr<proto::PlanResponse> Plan(const proto::PlanRequest& request) override {
    return Call<proto::PlanResponse>(&proto::Client::Stub::Plan, request);
  }
  absl::StatusOr<proto::SubmitJobResponse> SubmitJob(
      const proto::SubmitJobRequest& request) override {
    return Call<proto::SubmitJobResponse>(&proto::Client::Stub::SubmitJob, request);
  }
  absl::StatusOr<proto::ListJobsResponse> ListJobs() override {
    return Call<proto::ListJobsResponse>(&proto::Client::Stub::ListJobs, proto::ListJobsRequest());
  }
  absl::StatusOr<proto::JobDetails> DescribeJob(const std::string& job) override {
    proto::DescribeJobRequest request;
    request.set_job(job);
    return Call<proto::JobDetails>(&proto::Client::Stub::DescribeJob, request);
  }
  absl::Status WatchJob(const std::string& job, const EventVisitor& visitor) override {
    proto::WatchJobRequest request;
    request.set_job(job);
    bool stopped = false;
    absl::Status status;
    do {
      status = AtLeader([&](proto::Client::Stub& stub, grpc::ClientContext& context) {
        const auto reader = stub.WatchJob(&context, request);
        proto::JobEvent event;
        while (!stopped && reader->Read(&event)) {
          request.set_after_sequence(event.sequence());
          stopped = !visitor(event);
        }
        if (!stopped) return reader->Finish();
        context.TryCancel();
        (void)reader->Finish();
        return grpc::Status::OK;
      });
      // It is the stream's time that is up, not the watch's.
    } while (absl::IsDeadlineExceeded(status));
    return status;
  }
  absl::Status CancelJob(const std::string& job) override {
    proto::CancelJobRequest request;
    request.set_job(job);
    return Call<proto::CancelJobResponse>(&proto::Client::Stub::CancelJob, request).status();
  }
  absl::Status AbandonTransactions(const std::string& job) override {
    proto::CancelJobRequest request;
    request.set_job(job);
    request.set_abandon_transactions(true);
    return Call<proto::CancelJobResponse>(&proto::Client::Stub::CancelJob, request).status();
  }
  absl::Status StopJob(const proto::StopJobRequest& request) override {
    return Call<proto::StopJobResponse>(&proto::Client::Stub::StopJob, request).status();
  }
  absl::Status SuspendJob(const proto::SuspendJobRequest& request) override {
    return Call<proto::SuspendJobResponse>(&proto::Client::Stub::SuspendJob, request).status();
  }
  absl::Status RestartJob(const proto::RestartJobRequest& request) override {
    return Call<proto::RestartJobResponse>(&proto::Client::Stub::RestartJob, request).status();
  }
  absl::StatusOr<proto::ReadJobLogsResponse> ReadJobLogs(
      const proto::ReadJobLogsRequest& request) override {
    return Call<proto::ReadJobLogsResponse>(&proto::Client::Stub::ReadJobLogs, request);
  }
  absl::Status ResumeJob(const proto::ResumeJobRequest& request) override {
    return Call<proto::ResumeJobResponse>(&proto::Client::Stub::ResumeJob, request).status();
  }
  absl::StatusOr<proto::ListCheckpointsResponse> ListCheckpoints(const std::string& job) override {
    proto::ListCheckpointsRequest request;
    request.set_job(job);
    return Call<proto::ListCheckpointsResponse>(&proto::Client::Stub::ListCheckpoints, request);
  }
  absl::StatusOr<proto::CheckpointDetails> DescribeCheckpoint(const std::string& job,
                                                              uint64_t epoch) override {
    proto::ListCheckpointsRequest request;
    request.set_job(job);
    request.set_epoch(epoch);
    WEIR_ASSIGN_OR_RETURN(
        proto::ListCheckpointsResponse response,
        Call<proto::ListCheckpointsResponse>(&proto::Client::Stub::ListCheckpoints, request));
    if (response.checkpoints().empty()) return absl::InternalError("an empty answer");
    return std::move(*response.mutable_checkpoints(0));
  }
  absl::StatusOr<proto::TransactionsResponse> Transactions(
      const proto::TransactionsRequest& request) override {
    return Call<proto::TransactionsResponse>(&proto::Client::Stub::Transactions, request);
  }
  absl::StatusOr<proto::DeadLettersResponse> DeadLetters(
      const proto::DeadLettersRequest& request) override {
    return Call<proto::DeadLettersResponse>(&proto::Client::Stub::DeadLetters, request);
  }
  absl::StatusOr<proto::ClusterDetails> DescribeCluster() override {
    return Call<proto::ClusterDetails>(&proto::Client::Stub::DescribeCluster,
                                       proto::DescribeClusterRequest());
  }

 private:
  using Attempt = std::function<grpc::Status(proto::Client::Stub&, grpc::ClientContext&)>;

  template <class Response, class Request>
  absl::StatusOr<Response> Call(grpc::Status (proto::Client::Stub::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            Response*),
                                const Request& request) {
    Response response;
    WEIR_RETURN_IF_ERROR(AtLeader([&](proto::Client::Stub& stub, grpc::ClientContext& context) {
      response.Clear();
      return (stub.*method)(&context, request, &response);
    }));
    return response;
  }

  // Repeats the attempt at one address after the other, following what standbys say, until one
  // gives an answer that counts.
  absl::Status AtLeader(const Attempt& attempt) {
    const absl::Duration start = clock_.Monotonic();
    const absl::Duration end = start + options_.call_timeout;
    bool anybody_answered = false;
    bool followed = false;
    absl::Status last;
    size_t failed_in_a_row = 0;
    if (address_.empty()) address_ = options_.addresses.front();
    while (true) {
      const absl::Duration left = end - clock_.Monotonic();
      if (left <= absl::ZeroDuration()) break;
      grpc::ClientContext context;
      context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(left));
      factory_->Authorize(context);
      const grpc::Status answer = attempt(StubOf(address_), context);
      const absl::Status status = FromGrpcStatus(answer, context);
      const std::optional<std::string> leader = LeaderAddressOf(status);
      // RESOURCE_EXHAUSTED: the leader is there, and what it needs for this may come.
      const bool passing = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
      if (!leader.has_value() && !passing) return Explain(status);
      // What the leader lacks says more than another address where nobody is.
      if (IsReached(answer) || !absl::IsResourceExhausted(last)) {
        last = absl::Status(status.code(), absl::StrCat(address_, ": ", status.message()));
      }
      if (IsReached(answer)) {
        anybody_answered = true;
      } else {
        stubs_.erase(address_);  // a channel connects again only after its connect timeout
      }
      // Whoever named this leader, which only its own network may know, may be one of several
      // behind an address: another connection may come to the leader.
      if (followed && !leader.has_value() && absl::IsUnavailable(status)) stubs_.clear();
      const bool named = leader.has_value() && !leader->empty() && *leader != address_;
      if (named && !followed) {
        followed = true;  // two that name each other do not make us run in circles
        address_ = *leader;
        continue;
      }
      followed = false;
      address_ = NextAddress();
      if (++failed_in_a_row % options_.addresses.size() != 0) continue;
      const absl::Duration waited = clock_.Monotonic() - start;
      if (!anybody_answered && waited >= options_.unreachable_timeout) break;
      Pause(kRetryPause);
    }
    if (absl::IsResourceExhausted(last)) {
      return absl::DeadlineExceededError(absl::StrCat(
          "the JobManager at ", last.message(), " (tried for ",
          absl::FormatDuration(absl::Trunc(clock_.Monotonic() - start, absl::Milliseconds(100))),
          ")"));
    }
    return absl::UnavailableError(absl::StrCat(
        anybody_answered ? "no leading JobManager serves at " : "no JobManager answers at ",
        absl::StrJoin(options_.addresses, ", "), " (",
        last.ok() ? "no time was left" : std::string(last.message()), ")"));
  }

  // gRPC's text for a connection that could not be made.
  static bool IsReached(const grpc::Status& answer) {
    return !absl::StrContains(answer.error_message(), "failed to connect to all addresses");
  }

  absl::Status Explain(const absl::Status& status) const {
    if (!absl::IsDeadlineExceeded(status)) return status;
    return absl::DeadlineExceededError(absl::StrCat("the JobManager at ", address_,
                                                    " gave no answer within ",
                                                    absl::FormatDuration(options_.call_timeout)));
  }

  // Stops early, and is told why, when the cluster has the artifact already.
  static grpc::Status SendFile(proto::Client::Stub& stub, grpc::ClientContext& context,
                               const std::string& path, const std::string& sha256) {
    proto::UploadArtifactResponse response;
    const auto writer = stub.UploadArtifact(&context, &response);
    proto::ArtifactChunk chunk;
    chunk.set_sha256(sha256);
    std::ifstream file(path, std::ios::binary);
    bool accepted = writer->Write(chunk);
    chunk.clear_sha256();
    while (accepted && file) {
      std::string& data = *chunk.mutable_data();
      data.resize(kArtifactChunkBytes);
      file.read(data.data(), static_cast<std::streamsize>(data.size()));
      data.resize(static_cast<size_t>(file.gcount()));
      if (!data.empty()) accepted = writer->Write(chunk);
    }
    if (accepted) writer->WritesDone();
    return writer->Finish();
  }

  proto::Client::Stub& StubOf(const std::string& address) {
    std::unique_ptr<proto::Client::Stub>& stub = stubs_[address];
    if (stub == nullptr) stub = proto::Client::NewStub(factory_->CreateChannel(address));
    return *stub;
  }

  std::string NextAddress() {
    next_ = (next_ + 1) % options_.addresses.size();
    return options_.addresses[next_];
  }

  const ClusterClientOptions options_;
  const std::unique_ptr<GrpcChannelFactory> factory_;
  const SystemClock clock_;
  std::map<std::string, std::unique_ptr<proto::Client::Stub>> stubs_;
  std::string address_;  // that answered last, or is tried next
  size_t next_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ClusterClient>> MakeClusterClient(ClusterClientOptions options) {
  if (options.addresses.empty()) {
    return absl::InvalidArgumentError("jobmanager.addresses names no address");
  }
  WEIR_ASSIGN_OR_RETURN(auto factory, GrpcChannelFactory::Create(options.security));
  return std::make_unique<GrpcClusterClient>(std::move(options), std::move(factory));
}

}  // namespace weir
