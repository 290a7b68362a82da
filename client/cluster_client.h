#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/net/security_options.h"
#include "proto/client.pb.h"

namespace weir {

/// Synchronous calls to a cluster's public API: what the CLI, `./myjob submit` and tests use.
///
/// Every call finds the leader by itself and is repeated while no leader answers, until its time
/// is up; all calls are idempotent. Calls block. One thread at a time.
/// Errors, one sentence each: UNAVAILABLE: no JobManager answers, naming the addresses;
/// DEADLINE_EXCEEDED: one did, and no answer came in time; UNAUTHENTICATED: wrong token; all others
/// as the JobManager answered (jobmanager/dispatcher/client_api.h).
class ClusterClient {
 public:
  virtual ~ClusterClient() = default;

  /// Sends the file at `path` unless the cluster has it, and returns its SHA-256. Refuses what is
  /// no Weir job (common/net/artifact_file.h).
  virtual absl::StatusOr<std::string> UploadArtifact(const std::string& path) = 0;
  virtual absl::StatusOr<proto::PlanResponse> Plan(const proto::PlanRequest& request) = 0;
  virtual absl::StatusOr<proto::SubmitJobResponse> SubmitJob(
      const proto::SubmitJobRequest& request) = 0;
  virtual absl::StatusOr<proto::ListJobsResponse> ListJobs() = 0;
  /// `job`: id or name, here and below.
  virtual absl::StatusOr<proto::JobDetails> DescribeJob(const std::string& job) = 0;
  /// Hands over events of the job until it has ended, or `visitor` returns false; whoever leads
  /// meanwhile. OK in both cases.
  using EventVisitor = std::function<bool(const proto::JobEvent&)>;
  virtual absl::Status WatchJob(const std::string& job, const EventVisitor& visitor) = 0;
  virtual absl::Status CancelJob(const std::string& job) = 0;
  /// Ends a canceled, failed or finished job whose transactions could not be settled.
  virtual absl::Status AbandonTransactions(const std::string& job) = 0;
  virtual absl::Status StopJob(const proto::StopJobRequest& request) = 0;
  /// With `wait` in the request: ABORTED: it has failed, and the job runs on.
  virtual absl::Status SuspendJob(const proto::SuspendJobRequest& request) = 0;
  virtual absl::Status ResumeJob(const proto::ResumeJobRequest& request) = 0;
  virtual absl::Status RestartJob(const proto::RestartJobRequest& request) = 0;
  virtual absl::StatusOr<proto::ReadJobLogsResponse> ReadJobLogs(
      const proto::ReadJobLogsRequest& request) = 0;
  virtual absl::StatusOr<proto::CheckpointDetails> DescribeCheckpoint(const std::string& job,
                                                                      uint64_t epoch) = 0;
  virtual absl::StatusOr<proto::ListCheckpointsResponse> ListCheckpoints(
      const std::string& job) = 0;
  virtual absl::StatusOr<proto::TransactionsResponse> Transactions(
      const proto::TransactionsRequest& request) = 0;
  virtual absl::StatusOr<proto::DeadLettersResponse> DeadLetters(
      const proto::DeadLettersRequest& request) = 0;
  virtual absl::StatusOr<proto::ClusterDetails> DescribeCluster() = 0;
};

struct ClusterClientOptions {
  std::vector<std::string> addresses;  // of all JobManagers, in any order
  SecurityOptions security;
  absl::Duration call_timeout = absl::Seconds(30);  // of one call with its repetitions
  /// Given up earlier when nothing listens at any of the addresses for so long.
  absl::Duration unreachable_timeout = absl::Seconds(10);
};

/// Makes no connection yet. INVALID_ARGUMENT: no addresses, or a security file is wrong.
absl::StatusOr<std::unique_ptr<ClusterClient>> MakeClusterClient(ClusterClientOptions options);

}  // namespace weir
