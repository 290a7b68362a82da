#include "taskmanager/worker/posting_observer.h"

#include <utility>

namespace weir::taskmanager {

template <class F>
void PostingObserver::Post(F deliver) {
  executor_.Post([self = shared_from_this(), deliver = std::move(deliver)]() mutable {
    if (self->events_ != nullptr) deliver(*self->events_);
  });
}

void PostingObserver::OnRunning(SubtaskId task) {
  Post([task](TaskEvents& events) { events.OnTaskRunning(task); });
}

void PostingObserver::OnSnapshot(SubtaskId task, Epoch epoch, LeaderTerm attempt,
                                 absl::StatusOr<TaskSnapshotData> snapshot) {
  Post([task, barrier = Barrier{epoch, attempt, false},
        snapshot = std::move(snapshot)](TaskEvents& events) mutable {
    events.OnTaskSnapshot(task, barrier, std::move(snapshot));
  });
}

void PostingObserver::OnCommitted(SubtaskId task, Epoch epoch) {
  Post([task, epoch](TaskEvents& events) { events.OnTaskCommitted(task, epoch); });
}

void PostingObserver::OnFinished(SubtaskId task) {
  Post([task](TaskEvents& events) { events.OnTaskFinished(task); });
}

void PostingObserver::OnFailed(SubtaskId task, const TaskFailure& failure) {
  Post([task, failure](TaskEvents& events) { events.OnTaskFailed(task, failure); });
}

}  // namespace weir::taskmanager
