#pragma once

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/random.h"
#include "common/exec/executor.h"
#include "jobmanager/dispatcher/pending_questions.h"
#include "jobmanager/resource/task_manager_registry.h"

namespace weir::jobmanager {

/// Questions about the transactions and the dead letters of jobs, answered by processes of the
/// jobs' binaries that TaskManagers run: no process of the cluster speaks to the outside of a sink.
/// Threads: the owner's executor. Lifetime: borrows its dependencies.
/// Bounds: kMax questions at a time; more are refused with UNAVAILABLE.
class TransactionInquiries {
 public:
  static constexpr size_t kMax = 16;
  /// Longer than what a TaskManager gives the process, with the fetch of its binary.
  static constexpr absl::Duration kTimeout = absl::Seconds(90);
  using Done = PendingQuestions<proto::TransactionsResult>::Done;

  TransactionInquiries(Executor& executor, Random& random, TaskManagerRegistry& task_managers);

  /// Gives `message` its request id. A TaskManager that has workers of the job is asked first.
  /// Errors: RESOURCE_EXHAUSTED: no TaskManager is there; UNKNOWN: none answered in time, or the
  /// outside did not; else as the process said.
  void Ask(proto::RunTransactions message, Done done);
  void OnResult(const proto::TransactionsResult& result);

 private:
  Random& random_;
  TaskManagerRegistry& task_managers_;
  PendingQuestions<proto::TransactionsResult> questions_;
};

}  // namespace weir::jobmanager
