#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "common/time/clock.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/record_serializer.h"
#include "connectors/kafka/resolved_sink_options.h"
#include "connectors/kafka/transactional/pool_jobs.h"
#include "connectors/kafka/transactional/transaction_client_pool.h"
#include "connectors/kafka/transactional/transaction_metrics.h"
#include "connectors/kafka/transactional/transaction_slot.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/writer_instructions.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct TransactionalWriterSetup {
  ResolvedSinkOptions options;
  SinkWriterContext context;
  std::shared_ptr<const KafkaClientFactory> clients;
  TransactionClientFactory transaction_clients;
  std::shared_ptr<TransactionStepObserver> steps;  // null: none
  /// How long the destructor waits for calls that are running.
  absl::Duration stop_patience = absl::Seconds(3);
};

/// Writes one subtask's records to a topic exactly once: the writer's half of
/// docs/protocols/transactions.md. See SinkWriter.
///
/// Open takes WriterInstructions. Records go into the transaction of one open slot; two slots are
/// warm at the start, and while there are fewer than kMaxSlots another one is warmed whenever the
/// one behind the open one is missing.
/// A barrier with records gives the open slot to a thread of the pool and is answered when it is
/// prepared and so are all before it, and when those of failed epochs have been found alive; the
/// answer holds the committables of all prepared transactions up to its epoch. A permit commits
/// them, oldest first. After the receipt a slot is used again, unless a request of it was repeated:
/// then its handle is closed and its number not used again.
///
/// HasRoom is false without an open or ready slot, above the bounds of what is outstanding, while a
/// transaction that is not committed is older than half its timeout, and from a barrier on until
/// the records before it are delivered: another handle's would overtake them.
/// Results of the pool and of the client are taken in all calls but Open; the wake-up makes the
/// task call HasRoom.
/// The destructor ends no transaction. It waits up to `stop_patience` for calls that are running;
/// they end soon after, on the pool.
/// Errors: of the slots; ABORTED when a transaction nears its timeout and is not committed: the
/// barrier it waits for may stand behind records that have no room, and the next generation can
/// still commit what is owned; INVALID_ARGUMENT for rows that cannot be written; DATA_LOSS or
/// FAILED_PRECONDITION for instructions. The first is sticky: it answers every call that follows.
class TransactionalWriter final : public SinkWriter {
 public:
  static constexpr size_t kMaxSlots = 5;
  static constexpr size_t kWarmSlots = 2;  // open or ready, or to be so
  static constexpr int kMaxLostWarmings = 10;
  static constexpr double kGivenUpShare = 0.75;  // of a transaction's timeout

  /// `clock` outlives the writer.
  TransactionalWriter(TransactionalWriterSetup setup, const Clock& clock);
  ~TransactionalWriter() override;

  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status Open(const std::string& recovered) override;
  bool HasRoom() override;
  absl::Status Write(const BatchPtr& batch) override;
  void PrepareCommit(Epoch epoch, PrepareDone done) override;
  std::string DescribeCommittable(const std::string& committable) const override;
  void Commit(const CommitPermit& permit, CommitDone done) override;
  void OnReceipt(Epoch epoch) override;

  std::shared_ptr<const SinkMetrics> metrics() const override { return metrics_; }
  size_t slots() const { return slots_.size(); }

 private:
  // Jobs keep the slot they work on, should they outlive the writer.
  using SlotPtr = std::shared_ptr<TransactionSlot>;
  struct PendingBarrier {
    Epoch epoch;
    PrepareDone done;
    bool confirming = false;  // asks about transactions of failed epochs
    bool confirmed = false;
  };
  struct PendingCommit {
    Epoch epoch;
    CommitDone done;
  };

  ClientConfiguration MakeConfiguration() const;
  // When the oldest transaction that is not committed began, by the monotonic clock.
  std::optional<absl::Duration> OldestBegunAt() const;
  void UpdateMetrics();
  void Work();
  void Fail(const absl::Status& error);
  void WarmSlots();
  void Warm(uint32_t number);
  // A request of its opening transaction was repeated: another id is tried.
  void GiveUpWarming(uint32_t number);
  void Prepare(const SlotPtr& slot);
  // Answers barriers whose transactions are prepared, in order; after an error all of them.
  void AnswerBarriers();
  // Whether transactions of epochs that failed before `barrier` are known to be alive; asks.
  bool Confirmed(PendingBarrier& barrier);
  std::vector<std::string> Committables(Epoch up_to) const;
  // Those of this state with a transaction of this epoch or an older one, oldest first.
  std::vector<SlotPtr> SlotsUpTo(Epoch epoch, TransactionSlot::State state) const;
  SlotPtr FirstIn(TransactionSlot::State state) const;
  bool Delivering() const;
  void CommitNext();
  void CommitEnded(const std::vector<SlotPtr>& slots, absl::Duration started,
                   const absl::Status& status);
  // Closes the handle, on the pool: its id is used no more.
  void Retire(uint32_t number);

  const TransactionalWriterSetup setup_;
  const Clock& clock_;
  const std::shared_ptr<TransactionMetrics> metrics_;
  std::function<void()> wakeup_;
  RecordSerializer serializer_;
  WriterInstructions instructions_;
  std::shared_ptr<TransactionSlotSettings> settings_;  // from Open on
  std::unique_ptr<PoolJobs> jobs_;                     // from Open on
  std::map<uint32_t, SlotPtr> slots_;                  // by number
  uint32_t next_slot_ = 0;
  int lost_warmings_ = 0;  // in a row
  std::deque<PendingBarrier> barriers_;
  std::deque<PendingCommit> commits_;
  bool committing_ = false;
  absl::Status error_;
};

}  // namespace weir::kafka
