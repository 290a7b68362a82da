#include <string>

#include "client/cli/verb.h"
#include "client/submit.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

absl::Status RunWatch(VerbContext& context) {
  proto::JobSummary last;
  const absl::Status watched =
      context.client.WatchJob(context.Job(), [&](const proto::JobEvent& event) {
        if (event.kind() == proto::JobEvent::STATE) last = event.job();
        // YAML's documents have to be told apart.
        if (context.style.format == OutputFormat::kYaml) context.out << "---\n";
        context.Print(event);
        context.out << std::flush;
        return true;
      });
  WEIR_RETURN_IF_ERROR(watched);
  if (last.state() != "FAILED") return absl::OkStatus();
  return absl::AbortedError("job '" + last.name() + "' (" + last.job() + ") is FAILED");
}

}  // namespace

Verb WatchVerb() {
  Verb verb;
  verb.name = "watch";
  verb.summary = "Print what happens to a job, a line each, until it has ended.";
  verb.positionals = "JOB";
  verb.run = RunWatch;
  return verb;
}

}  // namespace weir::cli
