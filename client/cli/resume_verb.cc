#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

#include "client/cli/verb.h"
#include "client/cli/waiting.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::StatusOr<proto::ResumePolicy> PolicyOf(const ParsedFlags& flags) {
  const std::string policy = flags.Get("policy");
  if (policy.empty()) return proto::AS_CONFIGURED;
  if (policy == "replay") return proto::REPLAY;
  if (policy == "ignore") return proto::IGNORE;
  return absl::InvalidArgumentError(
      absl::StrCat("--policy is replay or ignore, not '", policy, "'"));
}

}  // namespace

Verb ResumeVerb() {
  Verb verb;
  verb.name = "resume";
  verb.summary = "Let a suspended job go on.";
  verb.positionals = "JOB";
  verb.flags = WaitFlags("Return when the job runs, has ended or is suspended.", false);
  verb.flags.push_back(
      {"policy", "", true, "replay|ignore",
       "What becomes of records of a completed checkpoint that can be neither committed nor "
       "published again exactly once: replay (publish what is left of them, at least once) or "
       "ignore (leave them out)."});
  verb.check = [](const ParsedFlags& flags) -> absl::Status {
    WEIR_RETURN_IF_ERROR(CheckWaitFlags(flags));
    return PolicyOf(flags).status();
  };
  verb.run = [](VerbContext& context) -> absl::Status {
    proto::ResumeJobRequest request;
    request.set_job(context.Job());
    WEIR_ASSIGN_OR_RETURN(const proto::ResumePolicy policy, PolicyOf(context.flags));
    request.set_policy(policy);
    WEIR_RETURN_IF_ERROR(context.client.ResumeJob(request));
    return PrintState(context, request.job(),
                      {"RUNNING", "SUSPENDED", "FINISHED", "CANCELED", "FAILED"});
  };
  return verb;
}

}  // namespace weir::cli
