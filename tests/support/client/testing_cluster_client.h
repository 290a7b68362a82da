#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "client/cluster_client.h"

namespace weir {

/// A cluster that answers what the test has put in.
class TestingClusterClient final : public ClusterClient {
 public:
  absl::Status error;  // the answer to everything, when not OK
  proto::ListJobsResponse jobs;
  /// Answers to DescribeJob, in order; the last one stays.
  std::vector<proto::JobDetails> descriptions;
  proto::ListCheckpointsResponse checkpoints;
  proto::CheckpointDetails checkpoint;
  proto::ClusterDetails cluster;
  proto::JobGraph graph;
  proto::TransactionsResponse transactions;
  proto::DeadLettersResponse dead_letters;
  std::vector<proto::JobEvent> events;
  absl::Status suspended;  // the answer to SuspendJob
  /// Answers to ReadJobLogs, in order; the last one stays.
  std::vector<proto::ReadJobLogsResponse> logs;
  std::vector<proto::ReadJobLogsRequest> log_requests;

  std::vector<std::string> calls;  // "cancel job-1"
  proto::SubmitJobRequest submitted;
  proto::TransactionsRequest asked;
  proto::DeadLettersRequest asked_letters;

  absl::StatusOr<std::string> UploadArtifact(const std::string& path) override {
    return Answer(absl::StrCat("upload ", path), std::string(64, 'a'));
  }
  absl::StatusOr<proto::PlanResponse> Plan(const proto::PlanRequest&) override {
    proto::PlanResponse response;
    *response.mutable_graph() = graph;
    return Answer("plan", response);
  }
  absl::StatusOr<proto::SubmitJobResponse> SubmitJob(
      const proto::SubmitJobRequest& request) override {
    submitted = request;
    proto::SubmitJobResponse response;
    response.set_job("job-1");
    return Answer("submit", response);
  }
  absl::StatusOr<proto::ListJobsResponse> ListJobs() override { return Answer("list", jobs); }
  absl::StatusOr<proto::JobDetails> DescribeJob(const std::string& job) override {
    proto::JobDetails description;
    if (!descriptions.empty()) description = descriptions.front();
    if (descriptions.size() > 1) descriptions.erase(descriptions.begin());
    return Answer(absl::StrCat("describe ", job), description);
  }
  absl::Status WatchJob(const std::string& job, const EventVisitor& visitor) override {
    for (const proto::JobEvent& event : events) {
      if (!visitor(event)) break;
    }
    return Answer(absl::StrCat("watch ", job), 0).status();
  }
  absl::Status CancelJob(const std::string& job) override {
    return Answer(absl::StrCat("cancel ", job), 0).status();
  }
  absl::Status AbandonTransactions(const std::string& job) override {
    return Answer(absl::StrCat("abandon ", job), 0).status();
  }
  absl::Status StopJob(const proto::StopJobRequest& request) override {
    return Answer(absl::StrCat("stop ", request.job()), 0).status();
  }
  absl::Status SuspendJob(const proto::SuspendJobRequest& request) override {
    calls.push_back(absl::StrCat("suspend ", request.job(), request.wait() ? " wait" : ""));
    return suspended;
  }
  absl::Status RestartJob(const proto::RestartJobRequest& request) override {
    return Answer(absl::StrCat("restart ", request.job(), " ", request.generation()), 0).status();
  }
  absl::StatusOr<proto::ReadJobLogsResponse> ReadJobLogs(
      const proto::ReadJobLogsRequest& request) override {
    log_requests.push_back(request);
    proto::ReadJobLogsResponse answer;
    if (!logs.empty()) answer = logs.front();
    if (logs.size() > 1) logs.erase(logs.begin());
    return Answer(absl::StrCat("logs ", request.job()), answer);
  }
  absl::Status ResumeJob(const proto::ResumeJobRequest& request) override {
    return Answer(absl::StrCat("resume ", request.job(), " ",
                               proto::ResumePolicy_Name(request.policy())),
                  0)
        .status();
  }
  absl::StatusOr<proto::ListCheckpointsResponse> ListCheckpoints(const std::string& job) override {
    return Answer(absl::StrCat("checkpoints ", job), checkpoints);
  }
  absl::StatusOr<proto::CheckpointDetails> DescribeCheckpoint(const std::string& job,
                                                              uint64_t epoch) override {
    return Answer(absl::StrCat("checkpoint ", job, " ", epoch), checkpoint);
  }
  absl::StatusOr<proto::TransactionsResponse> Transactions(
      const proto::TransactionsRequest& request) override {
    asked = request;
    return Answer("transactions", transactions);
  }
  absl::StatusOr<proto::DeadLettersResponse> DeadLetters(
      const proto::DeadLettersRequest& request) override {
    asked_letters = request;
    return Answer("dead letters", dead_letters);
  }
  absl::StatusOr<proto::ClusterDetails> DescribeCluster() override {
    return Answer("cluster", cluster);
  }

 private:
  template <class T>
  absl::StatusOr<T> Answer(std::string call, T value) {
    calls.push_back(std::move(call));
    if (!error.ok()) return error;
    return value;
  }
};

}  // namespace weir
