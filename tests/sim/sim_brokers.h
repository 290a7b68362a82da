#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "connectors/kafka/resolved_sink_options.h"
#include "tests/sim/broker/transaction_broker.h"
#include "tests/sim/sim_config.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

inline constexpr char kTopic[] = "out";

/// The Kafka that the transactional sink of a run writes to: the model of the brokers on the run's
/// time, and what goes wrong with them. Nothing does any more after Heal.
class SimBrokers {
 public:
  /// What becomes of one request.
  enum class Fate {
    kAnswered,
    kLost,        // never executed
    kAnswerLost,  // executed; nobody hears of it
    kLate,        // the same, some seconds later
  };

  SimBrokers(SimWorld& world, const SimConfig& config);

  TransactionBroker& broker() { return broker_; }
  const TransactionBroker& broker() const { return broker_; }
  /// What writers and committers are made with.
  const kafka::ResolvedSinkOptions& sink() const { return sink_; }
  void SetObserver(std::function<void(const DecidedTransaction&)> observer) {
    observer_ = std::move(observer);
  }

  /// `what` names the call. Those that end transactions are often late, and most of all replays.
  Fate DrawFate(const std::string& what);
  /// Executes a request that is seconds late, and remembers what it opens.
  void ExecuteLate(const std::function<kafka::KafkaError()>& request);
  /// The transaction that this producer has last begun was begun by a late request.
  bool OpenedLate(const std::string& id, kafka::ProducerIdAndEpoch producer) const;
  /// A coordinator moves, a leader is away, or both.
  void Fault();
  void Heal();
  bool healed() const { return healed_; }

 private:
  TransactionBroker::Options MakeOptions();
  void Expire(const DecidedTransaction& decided);
  absl::Duration RandomMs(int64_t low, int64_t high) {
    return absl::Milliseconds(Between(random_, low, high));
  }

  SimWorld& world_;
  const SimConfig& config_;
  SeededRandom random_;
  SeededRandom marker_random_;
  bool healed_ = false;
  std::map<std::string, kafka::ProducerIdAndEpoch> opened_late_;  // by id
  std::function<void(const DecidedTransaction&)> observer_;
  TransactionBroker broker_;
  const kafka::ResolvedSinkOptions sink_;
};

}  // namespace weir::sim
