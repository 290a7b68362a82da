#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "common/types/batch.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/task/watched_call.h"

namespace weir::taskmanager {

struct OperatorIdentity {
  std::string uid;
  std::string name;
};

/// Batches and records of one operator; written by the task's thread, read by any.
struct OperatorCounters {
  std::atomic<uint64_t> records_in{0};
  std::atomic<uint64_t> records_out{0};
  std::atomic<uint64_t> bytes_in{0};   // of the task's head
  std::atomic<uint64_t> bytes_out{0};  // of sinks and channels
  std::atomic<uint64_t> filtered{0};
  std::atomic<uint64_t> late{0};
  std::atomic<uint64_t> skipped{0};
  std::atomic<uint64_t> dead_lettered{0};
  /// As of the last barrier, of operators with one row out per row in: in that are neither out nor
  /// filtered, late, skipped or dead letters. Anything but 0 is a bug.
  std::atomic<int64_t> unaccounted{0};
};

/// Adds without a locked instruction: there is one writer.
inline void Count(std::atomic<uint64_t>& counter, uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

/// The border between the task and code of users and connectors: knows who runs, turns exceptions
/// into errors, and keeps the first failure with its operator and record position.
///
/// Threads: the task's; current_operator() and CurrentPosition() from any.
class OperatorBoundary {
 public:
  /// Runs `call`, at most once per batch and operator. `batch` may be null.
  template <class Call>
  absl::Status Run(const OperatorIdentity& identity, const Batch* batch, const Call& call) {
    const CallScope scope(watched_, identity.name, batch);
    const OperatorIdentity* caller = current_.load(std::memory_order_relaxed);
    current_.store(&identity, std::memory_order_relaxed);
    absl::Status status;
    try {
      status = call();
    } catch (const std::exception& error) {
      status = FromException(error);
    } catch (...) {
      status = absl::UnknownError("a user function threw something that is no std::exception");
    }
    current_.store(caller, std::memory_order_relaxed);
    if (!status.ok() && !failure_.has_value()) Record(identity, batch, status);
    return status;
  }

  /// For failures that reach the task from a callback.
  void Record(const OperatorIdentity& identity, const Batch* batch, const absl::Status& status);
  /// The same, of one record.
  void RecordAt(const OperatorIdentity& identity, const std::string& position,
                const absl::Status& status);
  const std::optional<TaskFailure>& failure() const { return failure_; }

  /// The operator that is running now, or null; for the stall watchdog. Valid as long as the task.
  const OperatorIdentity* current_operator() const {
    return current_.load(std::memory_order_relaxed);
  }
  /// The record it works at, or the records of its batch; "" when unknown.
  std::string CurrentPosition() const { return watched_.Position(); }

 private:
  static absl::Status FromException(const std::exception& error);

  std::atomic<const OperatorIdentity*> current_{nullptr};
  WatchedCall watched_;
  std::optional<TaskFailure> failure_;
};

}  // namespace weir::taskmanager
