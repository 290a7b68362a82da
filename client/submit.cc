#include "client/submit.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

// "job 'flights' (job-1) is FAILED: <reason>", or "... is SCHEDULING after 1s: <reason>"
std::string Situation(const proto::JobSummary& job, const std::string& when = "") {
  std::string text =
      absl::StrCat("job '", job.name(), "' (", job.job(), ") is ", job.state(), when);
  if (!job.reason().empty()) absl::StrAppend(&text, ": ", job.reason());
  return text;
}

using Verdict = std::function<absl::Status(const proto::JobSummary&)>;

absl::StatusOr<proto::JobDetails> Poll(ClusterClient& client, const std::string& job,
                                       const std::set<std::string>& states,
                                       const WaitOptions& options, const Verdict& give_up) {
  const absl::Duration end = options.clock->Monotonic() + options.timeout;
  std::string told;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(proto::JobDetails details, client.DescribeJob(job));
    if (states.count(details.summary().state()) > 0) return details;
    WEIR_RETURN_IF_ERROR(give_up(details.summary()));
    if (options.on_state && told != details.summary().state()) options.on_state(details.summary());
    told = details.summary().state();
    if (options.clock->Monotonic() >= end) {
      return absl::DeadlineExceededError(
          absl::StrCat(Situation(details.summary(),
                                 absl::StrCat(" after ", absl::FormatDuration(options.timeout))),
                       "; the cluster goes on with it"));
    }
    options.pause(options.poll_interval);
  }
}

absl::Status GiveUpAtTheEnd(const proto::JobSummary& job) {
  if (!IsTerminalJobState(job.state()) && job.state() != "SUSPENDED") return absl::OkStatus();
  return absl::AbortedError(Situation(job));
}

absl::Status GiveUpAtTheFirstFailure(const proto::JobSummary& job) {
  if (job.restarts() == 0 && job.state() != "RECOVERING") return GiveUpAtTheEnd(job);
  const bool ended = IsTerminalJobState(job.state()) || job.state() == "SUSPENDED";
  return absl::AbortedError(absl::StrCat(Situation(job), ended ? "" : " (it is being restarted)"));
}

}  // namespace

absl::StatusOr<std::string> Submit(ClusterClient& client, Random& random,
                                   const JobSubmission& submission) {
  proto::SubmitJobRequest request;
  request.set_client_token(random.HexId());
  WEIR_ASSIGN_OR_RETURN(*request.mutable_artifact(), client.UploadArtifact(submission.binary));
  for (const std::string& argument : submission.arguments) request.add_arguments(argument);
  request.set_name(submission.name);
  request.set_take_over(submission.take_over);
  request.set_from(submission.from);
  request.set_allow_non_restored(submission.allow_non_restored);
  request.mutable_configuration()->insert(submission.configuration.begin(),
                                          submission.configuration.end());
  WEIR_ASSIGN_OR_RETURN(proto::SubmitJobResponse response, client.SubmitJob(request));
  return response.job();
}

bool IsTerminalJobState(const std::string& state) {
  return state == "FINISHED" || state == "CANCELED" || state == "FAILED";
}

absl::StatusOr<proto::JobDetails> WaitForState(ClusterClient& client, const std::string& job,
                                               const std::set<std::string>& states,
                                               const WaitOptions& options) {
  return Poll(client, job, states, options, GiveUpAtTheEnd);
}

absl::StatusOr<proto::JobDetails> WaitForStart(ClusterClient& client, const std::string& job,
                                               const WaitOptions& options) {
  // A job that fails for good is RECOVERING while its end is being logged: only the second look
  // tells that it comes back.
  bool recovering = false;
  return Poll(client, job, {"RUNNING", "FINISHED"}, options,
              [&recovering](const proto::JobSummary& summary) {
                const bool was_recovering =
                    std::exchange(recovering, summary.state() == "RECOVERING");
                if (recovering && !was_recovering) return absl::OkStatus();
                return GiveUpAtTheFirstFailure(summary);
              });
}

}  // namespace weir
