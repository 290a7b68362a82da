#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "common/exec/retry_wait.h"
#include "common/time/clock.h"
#include "connectors/kafka/kafka_client.h"
#include "connectors/kafka/kafka_sink_options.h"
#include "connectors/kafka/transactional/committable.h"
#include "connectors/kafka/transactional/sink_ownership.h"
#include "connectors/kafka/transactional/transaction_outcomes.h"
#include "connectors/kafka/transactional/transaction_steps.h"
#include "connectors/kafka/transactional/transactional_writer.h"
#include "connectors/kafka/transactional/writer_instructions.h"
#include "connectors/kafka/wire/transaction_client.h"

namespace weir::kafka {

struct TransactionalCommitterSetup {
  ClientConfiguration configuration;  // of a producer, without ids
  std::string topic;
  std::string prefix;                    // "": made of cluster, job name and uid
  absl::Duration transaction_timeout;    // wanted
  bool transaction_timeout_set = false;  // by the user: then one above the broker's is an error
  AbortedTransactionPolicy aborted_transactions = AbortedTransactionPolicy::kReplay;
  std::shared_ptr<const KafkaClientFactory> clients;
  TransactionClientFactory transaction_clients;
  std::shared_ptr<TransactionStepObserver> steps;  // null: none
  std::shared_ptr<RetryWait> wait;                 // null: in real time
};

/// The committer's half of docs/protocols/transactions.md; a transaction whose records can be
/// neither committed nor published again exactly once is DATA_LOSS, naming topic, partitions,
/// offsets and count. See SinkCommitter.
class TransactionalCommitter final : public SinkCommitter {
 public:
  static constexpr absl::Duration kStepTimeout = absl::Seconds(30);

  /// `clock` outlives the committer.
  TransactionalCommitter(TransactionalCommitterSetup setup, const Clock& clock);

  absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) override;
  absl::Status Release() override;
  absl::Status Refresh(const SinkIdentity& identity, const std::string& recovered) override;
  absl::Status Sweep(const SinkIdentity& identity, const std::string& recovered) override;
  std::map<std::string, double> Metrics() const override;

 private:
  absl::StatusOr<std::string> RunRecovery(const SinkRecovery& recovery);
  std::unique_ptr<SinkOwnership> MakeOwnership(const std::string& prefix);
  // Whether an owned transaction is not known to be committed.
  absl::StatusOr<bool> OwesSomething(const SinkRecovery& recovery);
  absl::StatusOr<absl::Duration> AgreeOnTimeout(absl::Duration checkpoint_interval);
  absl::Status DecodeEpochs(const std::vector<UncommittedEpoch>& epochs);
  absl::Status SettleEpoch(const std::vector<Committable>& committables);
  uint32_t SubtaskOf(const Committable& committable) const;
  // Commits what can be; the rest comes back, in order, with nobody able to commit it any more.
  absl::StatusOr<std::vector<Committable>> CommitOrCollect(
      const std::vector<Committable>& committables);
  // Whether it is to be published again; false: it is left out.
  bool DecideToReplay(const Committable& committable, TransactionOutcome outcome);
  absl::Status Replay(std::vector<Committable> committables);
  absl::Status Fence(const std::string& transactional_id);
  void AddLoss(const Committable& committable, const std::string& what);
  void AddWaiting(const Committable& committable);  // of a subtask with a loss
  absl::Status AddUnlisted(uint64_t fence, uint32_t parallelism,
                           std::vector<ListedTransaction>& listed);
  absl::Status EndStrays(uint64_t fence, const std::vector<ListedTransaction>& listed);

  const TransactionalCommitterSetup setup_;
  const Clock& clock_;
  const std::shared_ptr<RetryWait> wait_;
  const std::shared_ptr<TransactionStepObserver> steps_;
  std::shared_ptr<TransactionClient> client_;
  std::unique_ptr<SinkOwnership> ownership_;  // null: nothing is ours any more
  std::unique_ptr<TransactionOutcomes> outcomes_;
  // Of the running recovery.
  ResumePolicy policy_ = ResumePolicy::kAsConfigured;
  std::function<void()> on_progress_ = [] {};
  WriterInstructions instructions_;
  std::vector<std::vector<Committable>> epochs_;  // uncommitted ones, oldest first
  std::set<std::string> owned_ids_;               // of these
  uint64_t ended_below_ = 0;                      // fences whose ids an earlier recovery has ended
  std::vector<std::string> losses_;               // sentences
  std::set<uint32_t> undecided_;                  // subtasks with a loss
  bool lost_ = false;
  uint64_t replays_ = 0;  // transactions of the replay id
  uint64_t replayed_records_ = 0;
};

/// "east-flight-delays-delayed-flights"
std::string DefaultTransactionalIdPrefix(const SinkIdentity& identity);

}  // namespace weir::kafka
