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
  struct Subtask {
    std::map<uint64_t, int64_t> positions;  // of its source's splits
    ModelOperatorState counted;
    bool has_source = false;
    bool has_operator = false;
    bool has_sink = false;
  };

  void CheckManifest(const std::string& job, const proto::CheckpointManifest& manifest);
  void ReadSplits(const google::protobuf::RepeatedPtrField<proto::SplitState>& splits,
                  Subtask* subtask);
  void CheckSplit(const proto::SplitState& split, bool read);
  void CheckSubtask(const std::string& job, const proto::CheckpointManifest& manifest,
                    uint32_t index, const Subtask& subtask);

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
