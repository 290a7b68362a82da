#pragma once

#include <map>
#include <string>
#include <vector>

#include "connectors/kafka/transactional/committable.h"
#include "tests/sim/checkers/linear_log_checker.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim_brokers.h"

namespace weir::sim {

/// X1 to X5 of docs/protocols/transactions.md. Sees every decision of the model's coordinators when
/// it is made: what is committed belongs to an owned epoch, whole, once, and behind all epochs
/// before it; what an entry of the log owns, or will own, is aborted by nothing but its timeout, or
/// in order to be published again behind one that was.
/// At the end it reads the topic as a reader of committed records does, and who owns the prefix.
class TransactionChecker final : public JobEntryObserver {
 public:
  TransactionChecker(SimWorld& world, const SimConfig& config, SimBrokers& brokers,
                     Outside& outside);

  void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) override;
  void OnDecided(const DecidedTransaction& decided);
  void OnOwned(const proto::CheckpointManifest& manifest);
  /// The job has ended, in order or not: every owned epoch is committed, and nothing is open.
  void CheckEnd() const;
  /// Transactions that were published again.
  uint64_t replays() const { return replays_; }
  /// It is SUSPENDED: the sentence names an owned transaction that is lost.
  void CheckSuspended(const std::string& reason) const;
  /// A person has given it up: the sentence names everything that is owned and not committed.
  void CheckGivenUp(const std::string& reason) const;

 private:
  struct Owned {
    Epoch epoch;  // of the first entry that owns it
    kafka::Committable committable;
  };
  using Markers = std::vector<std::string>;  // encoded

  // Of the job's transactions, not of its owner record; empty after a violation, too.
  Markers MarkersOf(const DecidedTransaction& decided) const;
  void OnCommitted(const DecidedTransaction& decided, const Markers& markers);
  // Those that nobody has committed before. Late requests may open a transaction of their own with
  // a marker that they wrote in time already; it holds nothing else.
  Markers TakeMarkers(const DecidedTransaction& decided, const Markers& markers);
  void CheckOrder(const Owned& owned) const;
  uint32_t SubtaskOf(const kafka::Committable& one) const;
  // An earlier one of its subtask has timed out, so that both are published again.
  bool GoesBehindAReplay(const Owned& owned) const;
  void DeliverRecords(const DecidedTransaction& decided);
  void OnAborted(const DecidedTransaction& decided, const Markers& markers);
  void CheckReceipt(Epoch through) const;
  bool IsNamed(const kafka::Committable& one, const std::string& reason) const;
  void CheckTopic() const;
  void CheckReleased() const;
  // Opened by a late request of the last clean-up itself.
  bool MayBeLeft(const std::string& id, const TransactionMetadata& metadata) const;
  void Violate(const std::string& what) const { world_.Violate("ExactlyOnce", what); }

  SimWorld& world_;
  const SimConfig& config_;
  SimBrokers& brokers_;
  Outside& outside_;
  const std::string prefix_;
  uint64_t replays_ = 0;
  bool begun_ = false;                                          // an epoch is owned
  std::map<std::string, Owned> owned_;                          // by marker
  std::map<std::string, kafka::ProducerIdAndEpoch> committed_;  // marker -> whose EndTxn
  std::map<std::string, bool> aborted_;                         // marker -> by its timeout
};

}  // namespace weir::sim
