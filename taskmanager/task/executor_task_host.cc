#include "taskmanager/task/executor_task_host.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/operator/current_call.h"

namespace weir::taskmanager {

struct ExecutorTaskHost::Entry {
  explicit Entry(std::shared_ptr<Task> task_to_step) : task(std::move(task_to_step)) {}
  const std::shared_ptr<Task> task;
  std::atomic<bool> ready{true};
  TimerId timer = 0;  // on the executor only
};

namespace {

TaskTimes::Kind KindOf(const StepResult& result) {
  if (result.kind == StepResult::Kind::kProgress) return TaskTimes::Kind::kBusy;
  return result.blocked_on == StepResult::BlockedOn::kOutput ? TaskTimes::Kind::kBackpressured
                                                             : TaskTimes::Kind::kIdle;
}

}  // namespace

// Shared with every closure and wake-up that is still around when the host goes.
struct ExecutorTaskHost::State : std::enable_shared_from_this<State> {
  State(Executor& executor_in, const Clock& clock_in, const Options& options_in)
      : executor(executor_in), clock(clock_in), options(options_in) {}

  void ScheduleTurn();
  void RunTurn();
  bool RunRound();
  StepResult RunStep(Entry& entry);
  void Add(std::shared_ptr<Task> task);
  void Wake(Entry& entry);
  void WakeAfter(const std::shared_ptr<Entry>& entry, absl::Duration delay);
  void LetGo(Entry& entry);
  void RemoveAll();

  Executor& executor;
  const Clock& clock;
  const Options options;
  std::atomic<bool> turn_scheduled{false};
  std::atomic<bool> stopped{false};
  std::vector<std::shared_ptr<Entry>> entries;  // on the executor only

  mutable Mutex mutex;
  std::shared_ptr<Task> stepping WEIR_GUARDED_BY(mutex);
  absl::Duration step_began WEIR_GUARDED_BY(mutex);
};

ExecutorTaskHost::ExecutorTaskHost(Executor& executor, const Clock& clock, const Options& options)
    : state_(std::make_shared<State>(executor, clock, options)) {}

ExecutorTaskHost::~ExecutorTaskHost() {
  state_->stopped = true;
  for (const auto& entry : state_->entries) state_->LetGo(*entry);
  state_->entries.clear();
}

void ExecutorTaskHost::AddTask(std::shared_ptr<Task> task) {
  state_->executor.Post([state = state_, task = std::move(task)]() mutable {
    if (!state->stopped) state->Add(std::move(task));
  });
}

void ExecutorTaskHost::RemoveAll(std::function<void()> done) {
  state_->executor.Post([state = state_, done = std::move(done)] {
    state->RemoveAll();
    if (done) done();
  });
}

std::optional<StalledStep> ExecutorTaskHost::FindStall(absl::Duration threshold) const {
  MutexLock lock(state_->mutex);  // the step does not end, nor the task go, meanwhile
  if (state_->stepping == nullptr) return std::nullopt;
  const Task& task = *state_->stepping;
  const absl::Duration running_for = state_->clock.Monotonic() - state_->step_began;
  if (running_for < threshold) return std::nullopt;
  const OperatorBoundary& boundary = task.chain().boundary();
  StalledStep stall{task.subtask(), task.name(), "", "", running_for};
  const OperatorIdentity* identity = boundary.current_operator();
  if (identity != nullptr) {
    stall.operator_name = identity->name;
    stall.position = boundary.CurrentPosition();
  }
  return stall;
}

std::string StalledStep::ToString() const {
  const absl::Duration unit =
      running_for < absl::Seconds(10) ? absl::Milliseconds(100) : absl::Seconds(1);
  std::string text =
      operator_name.empty() ? "a step" : absl::StrCat("operator '", operator_name, "'");
  absl::StrAppend(&text, " of task ", subtask.vertex.value(), ".", subtask.index, " (", task_name,
                  ") has been running for ", absl::FormatDuration(absl::Trunc(running_for, unit)));
  if (!position.empty()) absl::StrAppend(&text, ", at ", position);
  return text;
}

void ExecutorTaskHost::State::Add(std::shared_ptr<Task> task) {
  auto entry = std::make_shared<Entry>(std::move(task));
  entries.push_back(entry);
  // The entry is held weakly: the task's mailbox must not keep the task alive.
  entry->task->SetWakeup([state = weak_from_this(), weak_entry = std::weak_ptr<Entry>(entry)] {
    const std::shared_ptr<State> self = state.lock();
    const std::shared_ptr<Entry> woken = weak_entry.lock();
    if (self != nullptr && woken != nullptr) self->Wake(*woken);
  });
  ScheduleTurn();
}

void ExecutorTaskHost::State::Wake(Entry& entry) {
  if (!entry.ready.exchange(true)) ScheduleTurn();
}

void ExecutorTaskHost::State::ScheduleTurn() {
  if (stopped || turn_scheduled.exchange(true)) return;
  executor.Post([self = shared_from_this()] { self->RunTurn(); });
}

void ExecutorTaskHost::State::RunTurn() {
  if (stopped) return;
  turn_scheduled = false;
  for (size_t round = 0; round < options.rounds_per_turn; ++round) {
    if (!RunRound()) return;
  }
  ScheduleTurn();
}

bool ExecutorTaskHost::State::RunRound() {
  bool stepped = false;
  for (size_t i = 0; i < entries.size();) {
    const std::shared_ptr<Entry> entry = entries[i];
    // Cleared before the step: a wake-up during the step asks for another one.
    if (!entry->ready.exchange(false)) {
      ++i;
      continue;
    }
    stepped = true;
    const StepResult result = RunStep(*entry);
    if (result.kind == StepResult::Kind::kDone) {
      LetGo(*entry);
      entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    if (result.kind == StepResult::Kind::kProgress) entry->ready = true;
    if (result.wake_after.has_value()) WakeAfter(entry, *result.wake_after);
    ++i;
  }
  return stepped;
}

StepResult ExecutorTaskHost::State::RunStep(Entry& entry) {
  const ScopedLogFields ids(entry.task->log_fields());
  const absl::Duration began = clock.Monotonic();
  {
    MutexLock lock(mutex);
    stepping = entry.task;
    step_began = began;
  }
  entry.task->times().Switch(TaskTimes::Kind::kBusy, began);
  CurrentCall& call = ThisThreadsCall();
  call.subtask.store(entry.task->subtask().index, std::memory_order_relaxed);
  call.task_name.store(&entry.task->name(), std::memory_order_relaxed);
  const StepResult result = entry.task->RunOnce();
  call.task_name.store(nullptr, std::memory_order_relaxed);
  {
    MutexLock lock(mutex);
    stepping.reset();
  }
  const absl::Duration ended = clock.Monotonic();
  entry.task->times().Switch(KindOf(result), ended);
  const absl::Duration took = ended - began;
  if (took >= options.stall_threshold) {
    LogWarning(
        "a step of a task took long; a user function or a client blocked it",
        {{"task", entry.task->name()}, {"subtask", entry.task->subtask().index}, {"took", took}});
  }
  return result;
}

void ExecutorTaskHost::State::WakeAfter(const std::shared_ptr<Entry>& entry, absl::Duration delay) {
  if (entry->timer != 0) executor.Cancel(entry->timer);
  entry->timer = executor.PostAfter(
      delay, [self = shared_from_this(), weak_entry = std::weak_ptr<Entry>(entry)] {
        const std::shared_ptr<Entry> woken = weak_entry.lock();
        if (woken == nullptr) return;
        woken->timer = 0;
        self->Wake(*woken);
      });
}

void ExecutorTaskHost::State::LetGo(Entry& entry) {
  entry.task->SetWakeup(nullptr);
  if (entry.timer != 0) executor.Cancel(entry.timer);
  entry.timer = 0;
}

void ExecutorTaskHost::State::RemoveAll() {
  for (const auto& entry : entries) {
    entry->task->Cancel();
    (void)RunStep(*entry);
    LetGo(*entry);
  }
  entries.clear();
}

}  // namespace weir::taskmanager
