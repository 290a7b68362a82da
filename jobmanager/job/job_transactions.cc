// The part of JobMaster that tells what the log says of the job's transactions.
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "jobmanager/job/job_master.h"

namespace weir::jobmanager {

void JobMaster::TellTransactionFacts(FactsDone done) {
  proto::TransactionFacts facts;
  facts.set_cluster_id(deps_.layout.cluster_id());
  facts.set_job(job_.value());
  facts.set_fingerprint(history().submission().graph().fingerprint());
  facts.set_job_state(std::string(JobStateName(state_)));
  facts.set_ended(history().terminal() != nullptr);
  facts.set_settled(facts.ended() || state_ == JobState::kSuspended);
  facts.set_generation(history().generation().value());
  if (const std::optional<Epoch> newest = history().highest_owned()) {
    facts.set_newest_epoch(newest->value());
  }
  for (const std::string& job : deps_.ended_jobs()) facts.add_ended_jobs(job);
  // Those of a generation that is only about to start, or to end the job, are not told: its
  // recovery may be under way.
  if (state_ == JobState::kRunning || state_ == JobState::kStopping) {
    for (proto::SinkCoordinatorState& sink : SinkStates()) *facts.add_sinks() = std::move(sink);
  }
  std::vector<proto::CheckpointOwned> uncommitted;
  for (const auto& [epoch, owned] : history().owned()) {
    if (history().AwaitsReceipt(epoch)) uncommitted.push_back(owned.checkpoint);
  }
  using Facts = absl::StatusOr<proto::TransactionFacts>;
  deps_.pool.Run<Facts>(
      deps_.executor,
      [&objects = objects_, facts = std::move(facts), uncommitted]() mutable -> Facts {
        for (const proto::CheckpointOwned& checkpoint : uncommitted) {
          absl::StatusOr<proto::CheckpointManifest> manifest = objects.ReadManifest(checkpoint);
          if (!manifest.ok()) {
            return absl::UnknownError(
                absl::StrCat("the checkpoint of epoch ", checkpoint.epoch(),
                             " cannot be read: ", manifest.status().message()));
          }
          *facts.add_uncommitted() = *std::move(manifest);
        }
        return std::move(facts);
      },
      lifetime_.Guard([done = std::move(done)](Facts result) { done(std::move(result)); }));
}

}  // namespace weir::jobmanager
