#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "connectors/kafka/wire/transaction_client.h"
#include "tests/chaos/copy_oracle.h"
#include "tests/chaos/numbered_stream.h"
#include "tests/chaos/step_plan.h"
#include "tests/support/cluster/weir_cluster.h"
#include "tests/support/kafka/kafka_cluster.h"
#include "tests/support/kafka/oracle_reader.h"
#include "tests/support/steps/step_stop.h"
#include "tests/support/temporary_directory.h"

namespace weir {

/// The step campaign on real Kafka: one broker, two JobManagers, three TaskManagers, the job of
/// step_copy.cc on two workers, a stream of numbered records that does not end, and a reader with
/// read_committed. Rounds follow each other on the same job.
///
/// Life cycle: Start; Run any number of times; Finish. After an error only KeepFiles.
/// Threads: one, which must outlive the campaign (ChildProcess).
/// Errors: DATA_LOSS for a record that is lost, comes again or out of order, INTERNAL for a
/// transaction that stays open, a last stable offset that does not move, or a job that does not
/// recover; DEADLINE_EXCEEDED when nobody comes to a step. Each names what was seen.
class StepCampaign {
 public:
  struct Options {
    /// What the last stable offset may take once the job is restored, and strays that are ending.
    absl::Duration stable_timeout = absl::Seconds(5);
  };
  static absl::StatusOr<std::unique_ptr<StepCampaign>> Start(const Options& options);

  struct Outcome {
    bool at_step = true;      // killed the process at the step, not another worker meanwhile
    absl::Duration restored;  // from the kill until the job runs
    absl::Duration stable;    // from there until the last stable offset is behind all of before
  };
  /// Waits until somebody stops at the step, kills, restarts what a supervisor would, and returns
  /// when the job has recovered, everything sent so far has come out once and nothing of an earlier
  /// generation is open.
  absl::StatusOr<Outcome> Run(const StepRound& round);

  /// Ends the stream, cancels the job, and compares what Java's console consumer reads.
  absl::Status Finish();

  int64_t records() const { return feeder_->fed(); }
  /// Lets logs and data stay; the folders.
  std::string KeepFiles();

 private:
  explicit StepCampaign(const Options& options) : options_(options), control_(stops_.path()) {}
  absl::Status StartAll();
  absl::StatusOr<proto::JobDetails> Describe();

  absl::StatusOr<std::optional<StepHit>> Provoke(const StepRound& round, int nth);
  std::optional<StepHit> AwaitHit();
  absl::StatusOr<Outcome> KillAt(const StepHit& hit, const StepRound& round);
  bool IsWorker(pid_t pid);
  absl::StatusOr<pid_t> VictimWorker(const StepHit& hit, size_t choice);
  absl::Status Kill(StepVictim victim, pid_t worker, absl::Duration hold);

  /// A generation of at least `generation` runs, and everything is as it must be.
  absl::StatusOr<Outcome> AwaitRestored(uint64_t generation);
  /// Nothing: the job is being restarted again.
  absl::StatusOr<std::optional<absl::Duration>> AwaitStable(uint64_t generation);
  absl::StatusOr<bool> Runs(uint64_t generation);
  absl::Status CheckCopies(int64_t up_to);
  absl::Status AbortOpenTransactions();
  /// Those of the sink's prefix that are open, with their states, but for the newest fence's.
  absl::StatusOr<std::vector<std::string>> OpenTransactions(bool of_newest_too);
  absl::Status CheckOpenTransactions(bool of_newest_too);

  const Options options_;
  TemporaryDirectory stops_;
  StepControl control_;
  std::unique_ptr<KafkaCluster> kafka_;
  std::unique_ptr<WeirCluster> weir_;
  std::shared_ptr<kafka::TransactionClient> transactions_;
  std::unique_ptr<NumberFeeder> feeder_;
  std::unique_ptr<OracleReader<CopyOracle>> reader_;
  std::string job_;
};

}  // namespace weir
