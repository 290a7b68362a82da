#include "tests/sim/sim_threads.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir::sim {

class SimThreads::Work {
 public:
  CondVar turn;
  std::function<void()> function;
  std::thread thread;
};

SimThreads::SimThreads(SimWorld& world) : world_(world) {}

SimThreads::~SimThreads() {
  Unwind();
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    for (const auto& work : works_) work->turn.Signal();
  }
  for (const auto& work : works_) work->thread.join();
}

void SimThreads::Loop(Work* self) {
  while (true) {
    {
      MutexLock lock(mutex_);
      while (active_ != self && !stopping_) self->turn.Wait(mutex_);
      if (active_ != self) return;
    }
    std::exchange(self->function, nullptr)();
    idle_.push_back(self);
    MutexLock lock(mutex_);
    active_ = nullptr;
    loop_turn_.Signal();
  }
}

void SimThreads::HandTo(Work* work) {
  world_.in_blocking_work = true;
  {
    MutexLock lock(mutex_);
    active_ = work;
    work->turn.Signal();
    while (active_ != nullptr) loop_turn_.Wait(mutex_);
  }
  world_.in_blocking_work = false;
}

void SimThreads::Run(std::function<void()> function) {
  if (idle_.empty()) {
    works_.push_back(std::make_unique<Work>());
    Work* fresh = works_.back().get();
    fresh->thread = std::thread([this, fresh] { Loop(fresh); });
    idle_.push_back(fresh);
  }
  Work* work = idle_.back();
  idle_.pop_back();
  work->function = std::move(function);
  HandTo(work);
}

SimThreads::Work* SimThreads::Current() {
  MutexLock lock(mutex_);
  return active_;
}

bool SimThreads::Wait() {
  if (unwinding_) return false;
  MutexLock lock(mutex_);
  Work* self = active_;
  WEIR_CHECK(self != nullptr) << "the event loop itself must not wait";
  waiting_.push_back(self);
  active_ = nullptr;
  loop_turn_.Signal();
  while (active_ != self) self->turn.Wait(mutex_);
  return !unwinding_;
}

void SimThreads::Resume(Work* work) {
  const auto found = std::find(waiting_.begin(), waiting_.end(), work);
  WEIR_CHECK(found != waiting_.end()) << "it does not wait";
  waiting_.erase(found);
  HandTo(work);
}

void SimThreads::Unwind() {
  unwinding_ = true;
  while (!waiting_.empty()) Resume(waiting_.front());
}

}  // namespace weir::sim
