#include "tests/sim/replay_interruption.h"

#include <utility>

#include "absl/strings/match.h"

#include "tests/sim/sim_broker_link.h"
#include "tests/sim/wrapped_clients.h"

namespace weir::sim {
namespace {

class InterruptedProducer final : public WrappedProducer {
 public:
  InterruptedProducer(std::unique_ptr<KafkaTransactionalProducer> producer,
                      std::shared_ptr<ReplayInterruption> interruption)
      : WrappedProducer(std::move(producer)), interruption_(std::move(interruption)) {}
  absl::Status Begin(kafka::TransactionDeliveryListener& listener) override {
    interruption_->BeforeBegin();
    return WrappedProducer::Begin(listener);
  }

 private:
  const std::shared_ptr<ReplayInterruption> interruption_;
};

}  // namespace

void ReplayInterruption::OnStep(kafka::TransactionStep step, const std::string&) {
  if (step == kafka::TransactionStep::kDuringReplay) Perhaps(context_.config.replay_interruption);
  if (step == kafka::TransactionStep::kAfterRecoveryEndTransaction) {
    Perhaps(context_.config.replay_interruption / 8);
  }
}

void ReplayInterruption::Perhaps(uint32_t per_mille) {
  SimProcess& process = *context_.process;
  if (!process.alive() || context_.brokers.healed() || !Chance(random_, per_mille)) return;
  // Longer than it takes until somebody misses it, and another has replayed.
  const absl::Duration until =
      context_.world.now() + SimConfig::kSoonMissed + absl::Milliseconds(Between(random_, 0, 4000));
  context_.cut_off(until + absl::Milliseconds(Between(random_, 0, 3000)));
  process.PauseUntil(until);
  SimRetryWait(*context_.link).Wait(absl::Milliseconds(1));
}

std::shared_ptr<const kafka::KafkaClientFactory> InterruptReplays(
    std::shared_ptr<const kafka::KafkaClientFactory> clients,
    std::shared_ptr<ReplayInterruption> interruption) {
  return WrapClients(std::move(clients),
                     [interruption = std::move(interruption)](
                         std::unique_ptr<kafka::KafkaTransactionalProducer> producer,
                         const kafka::TransactionalProducerOptions& options)
                         -> std::unique_ptr<kafka::KafkaTransactionalProducer> {
                       const std::string& id = options.configuration.values.at("transactional.id");
                       if (!absl::EndsWith(id, "~replay")) return producer;
                       return std::make_unique<InterruptedProducer>(std::move(producer),
                                                                    interruption);
                     });
}

}  // namespace weir::sim
