#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"
#include "common/config/option_table.h"
#include "common/net/artifact_file.h"

namespace weir::cli {
namespace {

// "job/job-1", as -o name prints it, is a job, too.
std::string CheckpointOf(const ParsedFlags& flags) {
  const std::string from = flags.Get("from");
  return absl::StartsWith(from, "job/job-") ? from.substr(sizeof("job/") - 1) : from;
}

absl::Status RunSubmit(VerbContext& context) {
  JobSubmission submission;
  submission.binary = context.flags.positionals[0];
  submission.arguments = context.flags.job_arguments;
  submission.name = context.flags.Get("name");
  submission.configuration = JobOptionsOf(context.flags);
  submission.take_over = context.flags.Has("take-over");
  submission.from = CheckpointOf(context.flags);
  submission.allow_non_restored = context.flags.Has("allow-non-restored");
  WEIR_ASSIGN_OR_RETURN(const std::string job, Submit(context.client, context.random, submission));
  proto::JobDetails details;
  if (context.flags.Has("detach") || !IsWaiting(context.flags, true)) {
    WEIR_ASSIGN_OR_RETURN(details, context.client.DescribeJob(job));
  } else {
    WEIR_ASSIGN_OR_RETURN(details, WaitForStart(context.client, job, context.wait));
  }
  context.Print(details.summary());
  for (const std::string& note : details.notes()) context.error << "note: " << note << "\n";
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckBinaryArgument(const ParsedFlags& flags) {
  const absl::Status status = CheckJobBinary(flags.positionals[0]);
  if (status.ok()) return status;
  return absl::InvalidArgumentError(status.message());
}

std::map<std::string, std::string> JobOptionsOf(const ParsedFlags& flags) {
  std::map<std::string, std::string> options;
  for (const auto& [name, value] : flags.values) {
    const OptionSpec* spec = WeirOptions().Find(name);
    if (spec != nullptr && spec->scope == OptionScope::kJob) options[name] = value;
  }
  return options;
}

Verb SubmitVerb() {
  Verb verb;
  verb.name = "submit";
  verb.summary = "Upload a job's binary and start the job; waits until it runs or fails.";
  verb.positionals = "BINARY";
  verb.flags = WaitFlags("Return when the job runs or has failed.", true);
  verb.flags.push_back(
      {"name", "n", true, "NAME", "Name of the job; the binary's own by default."});
  verb.flags.push_back({"detach", "d", false, "", "The same as --no-wait."});
  verb.flags.push_back({"take-over", "", false, "",
                        "Take transactional id prefixes of its sinks from whatever job holds them, "
                        "with what that job has not committed."});
  verb.flags.push_back({"from", "", true, "CHECKPOINT",
                        "Start from a checkpoint of a job that is suspended or has ended: JOB, its "
                        "newest one, or JOB/EPOCH."});
  verb.flags.push_back({"allow-non-restored", "", false, "",
                        "With --from: leave out the state of operators that this job lacks."});
  verb.takes_job_arguments = true;
  verb.takes_job_options = true;
  verb.default_timeout = absl::Seconds(60);
  verb.check = [](const ParsedFlags& flags) -> absl::Status {
    WEIR_RETURN_IF_ERROR(CheckWaitFlags(flags));
    if (flags.Has("wait") && flags.Has("detach")) {
      return absl::InvalidArgumentError("--wait and --detach exclude each other");
    }
    for (const char* flag : {"from", "name"}) {
      // An empty variable of a script's: without it another job would start than was meant.
      if (!flags.Has(flag) || !flags.Get(flag).empty()) continue;
      return absl::InvalidArgumentError(absl::StrCat("--", flag, " has no value"));
    }
    if (flags.Has("allow-non-restored") && !flags.Has("from")) {
      return absl::InvalidArgumentError("--allow-non-restored goes with --from");
    }
    return CheckBinaryArgument(flags);
  };
  verb.run = RunSubmit;
  return verb;
}

}  // namespace weir::cli
