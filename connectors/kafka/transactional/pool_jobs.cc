#include "connectors/kafka/transactional/pool_jobs.h"

#include <utility>
#include <vector>

#include "common/exec/mutex.h"

namespace weir::kafka {

struct PoolJobs::State {
  explicit State(std::function<void()> wakeup_of_task) : wakeup(std::move(wakeup_of_task)) {}

  struct Finished {
    Done done;
    absl::Status status;
  };

  // False: the work is not to begin.
  bool Begin() {
    MutexLock lock(mutex);
    if (stopped) return false;
    ++running;
    return true;
  }
  void End(Finished result) {
    {
      MutexLock lock(mutex);
      --running;
      changed.SignalAll();
      if (stopped) return;
      finished.push_back(std::move(result));
    }
    Wake();
  }
  void Wake() {
    MutexLock lock(wakeup_mutex);
    if (wakeup) wakeup();
  }

  Mutex mutex;
  CondVar changed;
  bool stopped WEIR_GUARDED_BY(mutex) = false;
  int running WEIR_GUARDED_BY(mutex) = 0;
  std::vector<Finished> finished WEIR_GUARDED_BY(mutex);
  // Held while the task is being woken, so that Stop waits for that.
  Mutex wakeup_mutex;
  std::function<void()> wakeup WEIR_GUARDED_BY(wakeup_mutex);
};

PoolJobs::PoolJobs(BlockingPool& pool, std::function<void()> wakeup)
    : pool_(pool), state_(std::make_shared<State>(std::move(wakeup))) {}

PoolJobs::~PoolJobs() { Stop(absl::ZeroDuration()); }

void PoolJobs::Start(Work work, Done done) {
  pool_.Submit([state = state_, work = std::move(work), done = std::move(done)]() mutable {
    if (!state->Begin()) return;
    absl::Status status = work();
    work = nullptr;  // before anybody hears that it has ended
    state->End({std::move(done), std::move(status)});
  });
}

void PoolJobs::RunFinished() {
  std::vector<State::Finished> finished;
  {
    MutexLock lock(state_->mutex);
    finished.swap(state_->finished);
  }
  for (const State::Finished& each : finished) each.done(each.status);
}

void PoolJobs::Stop(absl::Duration patience) {
  {
    MutexLock lock(state_->wakeup_mutex);
    state_->wakeup = nullptr;
  }
  std::vector<State::Finished> finished;  // destroyed after the lock is released
  MutexLock lock(state_->mutex);
  state_->stopped = true;
  bool waiting = true;
  while (state_->running > 0 && waiting) {
    waiting = state_->changed.WaitFor(state_->mutex, patience);
  }
  finished.swap(state_->finished);
}

std::function<void()> PoolJobs::wakeup() const {
  return [state = state_] { state->Wake(); };
}

}  // namespace weir::kafka
