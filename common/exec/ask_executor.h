#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"

#include "common/exec/executor.h"
#include "common/exec/mutex.h"

namespace weir {

/// Runs `question` on the executor and waits for its answer, for threads that belong to no protocol
/// object. Nothing when there is none within `timeout`: the executor is busy, stuck or shut down.
/// `question` may still run later, so what it refers to outlives the executor's closures, not the
/// call. Never called on an executor.
template <class Answer>
std::optional<Answer> AskExecutor(Executor& executor, absl::Duration timeout,
                                  std::function<Answer()> question) {
  struct Shared {
    Mutex mutex;
    CondVar answered;
    std::optional<Answer> answer WEIR_GUARDED_BY(mutex);
  };
  auto shared = std::make_shared<Shared>();
  executor.Post([shared, question = std::move(question)] {
    Answer answer = question();
    MutexLock lock(shared->mutex);
    shared->answer = std::move(answer);
    shared->answered.SignalAll();
  });
  MutexLock lock(shared->mutex);
  while (!shared->answer.has_value()) {
    if (!shared->answered.WaitFor(shared->mutex, timeout)) break;
  }
  return std::move(shared->answer);
}

}  // namespace weir
