#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "client/cli/verb.h"
#include "common/base/status_macros.h"

namespace weir::cli {
namespace {

// "7", or "checkpoint/7" as -o name prints it.
absl::StatusOr<uint64_t> EpochOf(const ParsedFlags& flags) {
  absl::string_view text = flags.positionals[1];
  absl::ConsumePrefix(&text, "checkpoint/");
  uint64_t epoch = 0;
  if (absl::SimpleAtoi(text, &epoch)) return epoch;
  return absl::InvalidArgumentError(absl::StrCat(
      "'", flags.positionals[1], "' is no epoch of a checkpoint; weir checkpoint list shows them"));
}

}  // namespace

Verb CheckpointDescribeVerb() {
  Verb verb;
  verb.name = "checkpoint describe";
  verb.summary = "Show one checkpoint, and what each subtask did for it.";
  verb.positionals = "JOB EPOCH";
  verb.check = [](const ParsedFlags& flags) { return EpochOf(flags).status(); };
  verb.run = [](VerbContext& context) -> absl::Status {
    WEIR_ASSIGN_OR_RETURN(const uint64_t epoch, EpochOf(context.flags));
    WEIR_ASSIGN_OR_RETURN(const proto::CheckpointDetails checkpoint,
                          context.client.DescribeCheckpoint(context.Job(), epoch));
    context.Print(checkpoint);
    return absl::OkStatus();
  };
  return verb;
}

}  // namespace weir::cli
