#pragma once

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"

#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "tests/sim/model_job.h"

namespace weir::sim {

/// Takes a committer away in the middle of a replay, now and then: its process stands still, and
/// its host and the JobManagers do not hear of each other, until the next generation has most
/// likely replayed. Then it goes on, and asks the brokers for what it meant to do.
///
/// Threads: in works of the committer's process. The context outlives it.
class ReplayInterruption final : public kafka::TransactionStepObserver {
 public:
  explicit ReplayInterruption(ModelContext& context)
      : context_(context),
        random_(context.world.Fork(absl::StrCat("replay interruption ", context.worker))) {}

  /// Behind what a recovery has found out of a transaction, and before it commits a replay.
  void OnStep(kafka::TransactionStep step, const std::string& id) override;
  /// Of the replay's producer: it knows what is missing, and has published nothing yet.
  void BeforeBegin() { Perhaps(context_.config.replay_interruption); }

 private:
  void Perhaps(uint32_t per_mille);

  ModelContext& context_;
  SeededRandom random_;
};

/// Clients whose replay producers are interrupted when they begin.
std::shared_ptr<const kafka::KafkaClientFactory> InterruptReplays(
    std::shared_ptr<const kafka::KafkaClientFactory> clients,
    std::shared_ptr<ReplayInterruption> interruption);

}  // namespace weir::sim
