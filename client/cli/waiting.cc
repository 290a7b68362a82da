#include "client/cli/waiting.h"

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir::cli {

std::vector<FlagSpec> WaitFlags(const std::string& wait_help, bool waits) {
  constexpr char kDefault[] = " The default.";
  return {{"wait", "w", false, "", absl::StrCat(wait_help, waits ? kDefault : "")},
          {"no-wait", "", false, "",
           absl::StrCat("Return as soon as the cluster has accepted it.", waits ? "" : kDefault)}};
}

bool IsWaiting(const ParsedFlags& flags, bool waits) {
  return flags.Has("wait") || (waits && !flags.Has("no-wait"));
}

absl::Status CheckWaitFlags(const ParsedFlags& flags) {
  if (!flags.Has("wait") || !flags.Has("no-wait")) return absl::OkStatus();
  return absl::InvalidArgumentError("--wait and --no-wait exclude each other");
}

absl::Status PrintState(VerbContext& context, const std::string& job,
                        const std::set<std::string>& awaited) {
  proto::JobDetails details;
  if (IsWaiting(context.flags, false)) {
    WEIR_ASSIGN_OR_RETURN(details, WaitForState(context.client, job, awaited, context.wait));
  } else {
    WEIR_ASSIGN_OR_RETURN(details, context.client.DescribeJob(job));
  }
  context.Print(details.summary());
  return absl::OkStatus();
}

absl::Status FinishStopping(VerbContext& context, const std::string& job) {
  return PrintState(context, job, {"FINISHED", "CANCELED", "FAILED"});
}

}  // namespace weir::cli
