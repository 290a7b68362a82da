#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "client/cli/cli.h"
#include "common/base/seeded_random.h"
#include "tests/support/client/testing_cluster_client.h"
#include "tests/support/temporary_directory.h"

namespace weir::cli {

class TestingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now; }
  absl::Duration Monotonic() const override { return now; }
  absl::Duration now = absl::ZeroDuration();
};

// Lets the CLI have the client and keeps what it was asked.
class SharedClient final : public ClusterClient {
 public:
  explicit SharedClient(TestingClusterClient& client) : client_(client) {}
  absl::StatusOr<std::string> UploadArtifact(const std::string& path) override {
    return client_.UploadArtifact(path);
  }
  absl::StatusOr<proto::PlanResponse> Plan(const proto::PlanRequest& request) override {
    return client_.Plan(request);
  }
  absl::StatusOr<proto::SubmitJobResponse> SubmitJob(
      const proto::SubmitJobRequest& request) override {
    return client_.SubmitJob(request);
  }
  absl::StatusOr<proto::ListJobsResponse> ListJobs() override { return client_.ListJobs(); }
  absl::StatusOr<proto::JobDetails> DescribeJob(const std::string& job) override {
    return client_.DescribeJob(job);
  }
  absl::Status WatchJob(const std::string& job, const EventVisitor& visitor) override {
    return client_.WatchJob(job, visitor);
  }
  absl::Status CancelJob(const std::string& job) override { return client_.CancelJob(job); }
  absl::Status AbandonTransactions(const std::string& job) override {
    return client_.AbandonTransactions(job);
  }
  absl::Status SuspendJob(const proto::SuspendJobRequest& request) override {
    return client_.SuspendJob(request);
  }
  absl::Status RestartJob(const proto::RestartJobRequest& request) override {
    return client_.RestartJob(request);
  }
  absl::StatusOr<proto::ReadJobLogsResponse> ReadJobLogs(
      const proto::ReadJobLogsRequest& request) override {
    return client_.ReadJobLogs(request);
  }
  absl::Status ResumeJob(const proto::ResumeJobRequest& request) override {
    return client_.ResumeJob(request);
  }
  absl::Status StopJob(const proto::StopJobRequest& request) override {
    return client_.StopJob(request);
  }
  absl::StatusOr<proto::ListCheckpointsResponse> ListCheckpoints(const std::string& job) override {
    return client_.ListCheckpoints(job);
  }
  absl::StatusOr<proto::CheckpointDetails> DescribeCheckpoint(const std::string& job,
                                                              uint64_t epoch) override {
    return client_.DescribeCheckpoint(job, epoch);
  }
  absl::StatusOr<proto::TransactionsResponse> Transactions(
      const proto::TransactionsRequest& request) override {
    return client_.Transactions(request);
  }
  absl::StatusOr<proto::DeadLettersResponse> DeadLetters(
      const proto::DeadLettersRequest& request) override {
    return client_.DeadLetters(request);
  }
  absl::StatusOr<proto::ClusterDetails> DescribeCluster() override {
    return client_.DescribeCluster();
  }

 private:
  TestingClusterClient& client_;
};

/// Runs command lines against a cluster that answers what the test has put in.
class CliTest : public testing::Test {
 protected:
  ExitCode Run(const std::vector<std::string>& arguments) {
    out_.str("");
    error_.str("");
    CliEnvironment environment{
        variables_,
        [this](ClusterClientOptions options) -> absl::StatusOr<std::unique_ptr<ClusterClient>> {
          options_ = options;
          return std::make_unique<SharedClient>(client_);
        },
        random_,
        clock_,
        [this](absl::Duration pause) { clock_.now += pause; },
        out_,
        error_,
        out_is_terminal_,
        error_is_terminal_,
        program_directory_};
    return RunCli(arguments, environment);
  }

  static proto::JobDetails InState(const std::string& state, const std::string& reason = "",
                                   uint64_t restarts = 0) {
    proto::JobDetails job;
    job.mutable_summary()->set_job("job-1");
    job.mutable_summary()->set_name("flights");
    job.mutable_summary()->set_state(state);
    job.mutable_summary()->set_reason(reason);
    job.mutable_summary()->set_restarts(restarts);
    return job;
  }

  static proto::JobEvent StateEvent(const std::string& state, const std::string& reason = "") {
    proto::JobEvent event;
    event.set_kind(proto::JobEvent::STATE);
    *event.mutable_job() = InState(state, reason).summary();
    return event;
  }

  std::string MakeJob() {
    std::ofstream(directory_.File("job"), std::ios::binary) << "\x7f"
                                                               "ELF"
                                                            << "WEIR_JOB_"
                                                            << "BINARY_V1";
    return directory_.File("job");
  }

  TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
  bool out_is_terminal_ = false;
  bool error_is_terminal_ = false;
  std::string program_directory_;
  TestingClusterClient client_;
  SeededRandom random_{1};
  TestingClock clock_;
  ClusterClientOptions options_;
  std::ostringstream out_;
  std::ostringstream error_;
};

}  // namespace weir::cli
