#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/exec/mutex.h"
#include "common/types/record.h"

namespace weir {

/// What a task does with the wake-ups of connectors: sleeps until one comes.
class WakeupSignal {
 public:
  std::function<void()> Callback() {
    return [state = state_] {
      MutexLock lock(state->mutex);
      state->signalled = true;
      state->changed.SignalAll();
    };
  }
  /// Returns when a wake-up came since the last call, or after the time.
  void Wait(absl::Duration timeout) {
    MutexLock lock(state_->mutex);
    while (!state_->signalled) {
      if (!state_->changed.WaitFor(state_->mutex, timeout)) break;
    }
    state_->signalled = false;
  }

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    bool signalled WEIR_GUARDED_BY(mutex) = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

struct ReadRow {
  size_t split = 0;
  std::string value;
  int64_t event_time_us = 0;
  std::string position;  // "topic t, partition 0, offset 5"
};

/// Reads a source of strings as one subtask does.
class SourceRun {
 public:
  static absl::StatusOr<SourceRun> Start(const Source& source);

  /// Until `rows` came, the source ended, or nothing came for so long.
  absl::StatusOr<std::vector<ReadRow>> Read(size_t rows, absl::Duration quiet = absl::Seconds(10));
  absl::Status AddSplits(const std::vector<SourceSplit>& splits);

  std::vector<SourceSplit> splits;  // all that were added, as discovered
  std::unique_ptr<SplitEnumerator> enumerator;
  std::unique_ptr<SourceReader> reader;
  WakeupSignal wakeup;
  bool ended = false;
};

/// The values alone.
std::vector<std::string> Values(const std::vector<ReadRow>& rows);

BatchPtr StringBatch(const std::vector<std::string>& values);

/// A writer of a sink, driven as a task does.
class SinkRun {
 public:
  static absl::StatusOr<SinkRun> Start(const Sink& sink);

  /// Waits for room first.
  absl::Status Write(const BatchPtr& batch);
  /// The barrier; returns when it is answered or after the time (DEADLINE_EXCEEDED).
  absl::Status Barrier(uint64_t epoch, absl::Duration timeout = absl::Seconds(60));

  std::unique_ptr<SinkWriter> writer;
  WakeupSignal wakeup;
};

}  // namespace weir
