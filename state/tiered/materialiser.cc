#include "state/tiered/materialiser.h"

#include <string>
#include <utility>

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "state/rocksdb/rocks_loader.h"
#include "state/tiered/layer_rows.h"

namespace weir {
namespace {

absl::Status Load(const std::vector<LayerPtr>& layers, RocksStore& store, TierFiles& files) {
  RocksLoader loader(store, files.NextLoadPath());
  std::string value;
  for (const RocksFamily family : {RocksFamily::kState, RocksFamily::kTimers}) {
    for (const LayerRow row : LayerRows(layers, family)) {
      value.clear();
      WEIR_RETURN_IF_ERROR(row.EncodeToStore(&value));
      WEIR_RETURN_IF_ERROR(loader.Add(row.kind(), family, row.key(), value));
    }
  }
  return loader.Finish();
}

// Those that an earlier job has loaded, whose files could not be pinned, are not loaded again:
// appends must not come twice.
std::vector<LayerPtr> NotLoaded(const std::vector<LayerPtr>& layers, uint64_t loaded) {
  std::vector<LayerPtr> left;
  for (const LayerPtr& layer : layers) {
    if (layer->generation() > loaded) left.push_back(layer);
  }
  return left;
}

absl::StatusOr<Materialiser::Result> Materialise(const std::vector<LayerPtr>& layers,
                                                 TierFiles& files, uint64_t* loaded) {
  Materialiser::Result result;
  WEIR_ASSIGN_OR_RETURN(result.store, files.Store());
  const std::vector<LayerPtr> left = NotLoaded(layers, *loaded);
  absl::Status status = Load(left, *result.store, files);
  if (!status.ok() && result.store->Resume().ok()) status = Load(left, *result.store, files);
  WEIR_RETURN_IF_ERROR(status);
  *loaded = layers.back()->generation();
  WEIR_ASSIGN_OR_RETURN(result.base, files.Pin(*loaded));
  return result;
}

}  // namespace

Materialiser::~Materialiser() {
  // One that has not begun never will.
  if (job_ != nullptr && !Claim(*job_)) Wait();
  MutexLock lock(queued_->mutex);
  queued_->job.reset();
}

bool Materialiser::Claim(Job& job) {
  MutexLock lock(job.mutex);
  if (job.state != Job::State::kWaiting) return false;
  job.state = Job::State::kRunning;
  return true;
}

void Materialiser::Run(Job& job, TierFiles& files) {
  job.result = Materialise(job.layers, files, &job.loaded);
  job.layers.clear();
  MutexLock lock(job.mutex);
  job.state = Job::State::kDone;
  job.done.SignalAll();
}

void Materialiser::RunQueued(Queued& queued, TierFiles& files) {
  std::shared_ptr<Job> job;
  {
    MutexLock lock(queued.mutex);
    queued.submitted = false;
    job = std::exchange(queued.job, nullptr);
  }
  if (job != nullptr && Claim(*job)) Run(*job, files);
}

void Materialiser::Start(std::vector<LayerPtr> layers) {
  WEIR_CHECK(job_ == nullptr && !layers.empty());
  job_ = std::make_shared<Job>(std::move(layers), loaded_);
  {
    MutexLock lock(queued_->mutex);
    queued_->job = job_;
    // One that was run by Wait has left its place in the pool's queue.
    if (std::exchange(queued_->submitted, true)) return;
  }
  pool_.Submit([queued = queued_, &files = files_] { RunQueued(*queued, files); });
}

std::optional<absl::StatusOr<Materialiser::Result>> Materialiser::Take() {
  if (job_ == nullptr) return std::nullopt;
  {
    MutexLock lock(job_->mutex);
    if (job_->state != Job::State::kDone) return std::nullopt;
  }
  absl::StatusOr<Result> result = std::move(job_->result);
  loaded_ = job_->loaded;
  job_.reset();
  return result;
}

void Materialiser::Wait() {
  if (job_ == nullptr) return;
  if (Claim(*job_)) return Run(*job_, files_);
  MutexLock lock(job_->mutex);
  while (job_->state != Job::State::kDone) job_->done.Wait(job_->mutex);
}

}  // namespace weir
