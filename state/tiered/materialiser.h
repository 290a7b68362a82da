#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/mutex.h"
#include "state/tiered/layer.h"
#include "state/tiered/tier_files.h"

namespace weir {

/// Puts sealed layers into RocksDB on a pool's thread, and pins the files: one job at a time.
///
/// Bounds: one work in the pool's queue, also while the pool hangs and jobs are run by Wait.
/// Threads: the task's; the job uses the files meanwhile, and nobody else may.
/// Life cycle: Start, then Take until it gives a result; the destructor waits for a running job.
/// Lifetime: borrows the pool and the files.
class Materialiser {
 public:
  struct Result {
    std::shared_ptr<RocksStore> store;
    std::shared_ptr<const TierBase> base;
  };

  Materialiser(TierFiles& files, BlockingPool& pool) : files_(files), pool_(pool) {}
  ~Materialiser();
  Materialiser(const Materialiser&) = delete;
  Materialiser& operator=(const Materialiser&) = delete;

  bool busy() const { return job_ != nullptr; }
  /// Not while it is busy. `layers`: all that are newer than the base, oldest first.
  void Start(std::vector<LayerPtr> layers);
  /// The result, once. Nothing while the job goes on, or there is none.
  std::optional<absl::StatusOr<Result>> Take();
  /// Until there is a result; a job that has not begun is run here.
  void Wait();

 private:
  struct Job {
    enum class State { kWaiting, kRunning, kDone };
    Job(std::vector<LayerPtr> of, uint64_t loaded_before)
        : layers(std::move(of)), loaded(loaded_before) {}
    Mutex mutex;
    CondVar done;
    State state WEIR_GUARDED_BY(mutex) = State::kWaiting;
    std::vector<LayerPtr> layers;
    uint64_t loaded;  // the last generation that is in RocksDB, pinned or not
    absl::StatusOr<Result> result = absl::UnknownError("not run");
  };
  /// What the pool runs when it comes to it: the job of that time.
  struct Queued {
    Mutex mutex;
    bool submitted WEIR_GUARDED_BY(mutex) = false;
    std::shared_ptr<Job> job WEIR_GUARDED_BY(mutex);
  };
  static void RunQueued(Queued& queued, TierFiles& files);
  // False: somebody else has it.
  static bool Claim(Job& job);
  static void Run(Job& job, TierFiles& files);

  TierFiles& files_;
  BlockingPool& pool_;
  const std::shared_ptr<Queued> queued_ = std::make_shared<Queued>();
  std::shared_ptr<Job> job_;
  uint64_t loaded_ = 0;  // by jobs until now
};

}  // namespace weir
