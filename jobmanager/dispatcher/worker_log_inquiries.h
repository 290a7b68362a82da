#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/base/random.h"
#include "common/exec/executor.h"
#include "jobmanager/dispatcher/pending_questions.h"
#include "jobmanager/resource/task_manager_registry.h"
#include "proto/client.pb.h"

namespace weir::jobmanager {

/// Pieces of the logs of a job's workers, gathered from all TaskManagers: any of them may have run
/// workers of it, and keeps their files.
/// Threads: the owner's executor. Lifetime: borrows its dependencies.
/// Bounds: kMax questions at a time, kMaxBytes of an answer, shared among the TaskManagers.
class WorkerLogInquiries {
 public:
  static constexpr size_t kMax = 64;
  static constexpr uint64_t kMaxBytes = uint64_t{2} << 20;
  static constexpr uint64_t kMinBytesEach = uint64_t{8} << 10;
  static constexpr absl::Duration kTimeout = absl::Seconds(5);
  using Done = std::function<void(absl::StatusOr<proto::ReadJobLogsResponse>)>;

  struct Question {
    JobId job;
    proto::ReadJobLogsRequest request;
    std::set<TaskManagerId> expected;  // that are named when they are away
  };

  WorkerLogInquiries(Executor& executor, Random& random, TaskManagerRegistry& task_managers);

  /// Errors: UNAVAILABLE: too many questions; NOT_FOUND: nobody has a log of the worker that the
  /// request names.
  void Ask(const Question& question, Done done);
  void OnResult(const proto::WorkerLogsResult& result);

 private:
  struct Gathering {
    proto::ReadJobLogsResponse response;
    std::string worker;  // that was asked for
    size_t left = 0;     // TaskManagers, and one for who asks
    Done done;
  };
  void AskOne(const TaskManagerId& id, proto::ReadWorkerLogs message,
              const std::shared_ptr<Gathering>& gathering);
  static void Finish(Gathering& gathering);

  Random& random_;
  TaskManagerRegistry& task_managers_;
  PendingQuestions<proto::WorkerLogsResult> questions_;
};

}  // namespace weir::jobmanager
