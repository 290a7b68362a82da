#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::Status RunPlan(VerbContext& context) {
  proto::PlanRequest request;
  WEIR_ASSIGN_OR_RETURN(*request.mutable_artifact(),
                        context.client.UploadArtifact(context.flags.positionals[0]));
  for (const std::string& argument : context.flags.job_arguments) request.add_arguments(argument);
  WEIR_ASSIGN_OR_RETURN(const proto::PlanResponse response, context.client.Plan(request));
  context.Print(response.graph());
  return absl::OkStatus();
}

}  // namespace

Verb PlanVerb() {
  Verb verb;
  verb.name = "plan";
  verb.summary = "Show the graph a job's binary makes in this cluster, without starting it.";
  verb.positionals = "BINARY";
  verb.takes_job_arguments = true;
  verb.check = CheckBinaryArgument;
  verb.run = RunPlan;
  return verb;
}

}  // namespace weir::cli
