#pragma once

#include <map>
#include <string>

#include "tests/sim/checkers/linear_log_checker.h"
#include "tests/sim/checkers/transaction_checker.h"
#include "tests/sim/log_truth.h"
#include "tests/sim/model_job.h"
#include "tests/sim/outside.h"
#include "tests/sim/sim_storage.h"

namespace weir::sim {

/// C3, C4 and delivery, whenever an epoch becomes owned: the operators counted exactly the records
/// before the positions, and so did the sinks at their barrier; no split is forgotten, no position
/// and no watermark goes back; what an at-least-once sink acknowledged was delivered.
class ManifestChecker final : public JobEntryObserver {
 public:
  ManifestChecker(SimWorld& world, const SimConfig& config, SimStorage& storage,
                  const LogTruth& truth, const Outside& outside, const BarrierRecord& barriers,
                  TransactionChecker& transactions)
      : world_(world),
        config_(config),
        storage_(storage),
        truth_(truth),
        outside_(outside),
        barriers_(barriers),
        transactions_(transactions) {}

  void OnJobEntry(const std::string& job, const proto::JobLogEntry& entry) override;
  /// The oracle, once the job has FINISHED: nothing is missing.
  void CheckEnd(const std::string& job);
  int64_t StartOf(uint64_t split) const;

 private:
  struct Split {
    int64_t position = 0;
    std::optional<int64_t> watermark_us;
  };
  /// Where each split stands, in all subtasks together: the records of one go through one subtask
  /// of each operator.
  struct Standing {
    std::map<uint64_t, int64_t> read;
    ModelOperatorState counted;
    std::map<uint64_t, int64_t> written;
    uint32_t sources = 0;
    uint32_t operators = 0;
    uint32_t sinks = 0;
  };

  void CheckManifest(const std::string& job, const proto::CheckpointManifest& manifest);
  void ReadSplits(const google::protobuf::RepeatedPtrField<proto::SplitState>& splits,
                  Standing* standing);
  void AddCounted(const ModelOperatorState& counted, Standing* standing);
  /// What the sinks of this generation's workers had been given when the barrier reached them.
  void AddWritten(const std::string& job, const proto::CheckpointManifest& manifest,
                  Standing* standing);
  void CheckSplit(const proto::SplitState& split, bool read);
  void CheckStanding(const std::string& where, const Standing& standing);

  SimWorld& world_;
  const SimConfig& config_;
  SimStorage& storage_;
  const LogTruth& truth_;
  const Outside& outside_;
  const BarrierRecord& barriers_;
  TransactionChecker& transactions_;
  std::map<uint64_t, Split> splits_;    // as of the newest owned epoch
  std::map<uint64_t, int64_t> starts_;  // as of the first epoch that knew them
};

}  // namespace weir::sim
