#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/record_serializer.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/transaction_accounts.h"
#include "connectors/kafka/transactional/transaction_client_pool.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/transactional_producer.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

/// What all slots of one writer have in common. Shared with calls that outlive the writer for a
/// moment.
struct TransactionSlotSettings {
  std::shared_ptr<const KafkaClientFactory> clients;
  std::shared_ptr<TransactionClientPool> coordinators;
  std::shared_ptr<TransactionStepObserver> steps;
  ClientConfiguration configuration;  // with transaction.timeout.ms, without transactional.id
  std::string topic;
  std::string run;
  Generation generation;
  std::string prefix;  // of the ids
  uint64_t fence = 0;
  std::function<void()> wakeup;
  std::shared_ptr<std::atomic<bool>> cancelled;

  absl::Duration warm_timeout = absl::Seconds(60);
  absl::Duration marker_timeout = absl::Seconds(30);
  absl::Duration flush_timeout = absl::Seconds(120);
  absl::Duration describe_timeout = absl::Seconds(30);
  absl::Duration commit_timeout = absl::Minutes(10);
};

/// One transactional id of a writer with its handle, and the transaction it is in; "One slot of a
/// writer" of docs/protocols/transactions.md.
///
///   WARMING -> READY -> OPEN -> PREPARING -> PREPARED -> COMMITTING -> COMMITTED -> READY
///
/// Threads: the state, and all it says of itself, belong to the task's thread. In WARMING,
/// PREPARING and COMMITTING a pool's thread runs the call of that name, and nobody else touches
/// the slot; in the other states the handle is the task's.
/// Errors: an error of any call leaves the slot of no use but to be destroyed, which ends no
/// transaction. Each is one sentence with the transactional id.
class TransactionSlot {
 public:
  enum class State { kWarming, kReady, kOpen, kPreparing, kPrepared, kCommitting, kCommitted };

  TransactionSlot(std::shared_ptr<const TransactionSlotSettings> settings,
                  const TransactionalId& id);

  State state() const { return state_; }
  const std::string& id() const { return id_; }
  /// Of the transaction, from PREPARING to COMMITTED.
  Epoch epoch() const { return marker_.epoch; }
  /// When its transaction began, from OPEN to COMMITTING.
  std::optional<absl::Duration> begun_at() const;
  /// Only from COMMITTED, or after Warm: a request of this handle may still be on its way, so
  /// that neither the handle nor the id may have another transaction.
  bool retired() const { return retired_; }
  const Committable& committable() const { return committable_; }  // from PREPARED
  /// PREPARING with records that are still on their way: those of a later transaction could
  /// overtake them. Turns false with a wake-up.
  bool delivering() const { return state_ == State::kPreparing && !delivered_.load(); }

  void FinishWarming();                   // -> READY
  absl::Status Open(absl::Duration now);  // READY -> OPEN
  void StartPreparing(Epoch epoch);       // OPEN -> PREPARING
  void FinishPreparing();                 // -> PREPARED
  void StartCommitting();                 // PREPARED -> COMMITTING
  void FinishCommitting();                // -> COMMITTED
  void Reuse();                           // COMMITTED -> READY

  /// OPEN: the records of `batch`, which the serializer has filled, are sent as far as there is
  /// room; the rest by later calls of Work or by Prepare.
  absl::Status Send();
  OutgoingBatch& batch() { return batch_; }
  /// OPEN: takes reports and sends on. READY, PREPARED and COMMITTED: notices a lost handle.
  absl::Status Work();
  /// OPEN: may it be given another batch?
  bool HasRoom(size_t max_messages, size_t max_bytes) const;

  /// WARMING, on the pool's thread: makes the handle, takes the id over and commits the opening
  /// marker.
  absl::Status Warm();
  /// PREPARING, on the pool's thread: the records are delivered; marker, flush, accounts, and what
  /// the coordinator says.
  absl::Status Prepare();
  /// PREPARED, on any thread: asks whether the transaction is still there. ABORTED when not.
  absl::Status ConfirmPrepared() const;
  /// COMMITTING, on the pool's thread: until it is decided.
  absl::Status Commit();

 private:
  absl::Status MakeProducer();
  absl::Status WriteMarker();
  absl::Status CommitOpeningMarker();
  absl::Status SendRest();
  absl::Status DeliverRecords();
  absl::Status OfTransaction(const absl::Status& status) const;
  absl::Status TakeCommittable();
  // ABORTED unless it is this transaction that the coordinator has open.
  absl::StatusOr<DescribedTransaction> DescribeOpen(const TransactionMarker& marker) const;
  void Step(TransactionStep step) { settings_->steps->OnStep(step, id_); }
  void Expect(State state, const char* call) const;

  const std::shared_ptr<const TransactionSlotSettings> settings_;
  const std::string id_;
  State state_ = State::kWarming;
  std::unique_ptr<KafkaTransactionalProducer> producer_;
  bool retired_ = false;
  TransactionMarker marker_;  // of the present transaction, or of the last one

  // Of the present transaction.
  absl::Duration begun_at_;
  TransactionAccounts accounts_;
  OutgoingBatch batch_;
  bool produced_ = false;
  std::atomic<bool> delivered_{false};  // set by Prepare, on the pool's thread
  Committable committable_;
};

}  // namespace weir::kafka
