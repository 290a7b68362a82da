#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/time/clock.h"
#include "jobmanager/resource/leader_identity.h"
#include "proto/client.pb.h"
#include "proto/control.pb.h"

namespace weir::jobmanager {

using SessionId = StrongInt<struct SessionIdTag>;

/// The TaskManagers of one leadership: registration against the probe, streams and their loss,
/// slots, and the relay of envelopes to and from workers. Protocol: docs/protocols/fencing.md
/// (rules 1-4), docs/protocols/recovery.md (what counts as a loss).
///
/// Threads: not thread-safe; all calls and callbacks on `executor`.
/// Lifetime: borrows its dependencies and the listener. `send` and `close` of a session are called
/// until OnStreamBroken or the session is replaced.
class TaskManagerRegistry {
 public:
  /// How a TaskManager was lost.
  struct Loss {
    std::string why;
    bool announced = false;  // it was told to stop, and said so: no failure of anything
  };
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Registered, back from SUSPECT, or slots became free.
    virtual void OnSlotsChanged() = 0;
    virtual void OnTaskManagerLost(const TaskManagerId& id, const Loss& loss) = 0;
    /// Those of a TaskManager that leaves come just before its loss, and IsLeaving says so.
    virtual void OnWorkerStatus(const TaskManagerId& id, const proto::WorkerStatus& status) = 0;
    virtual void OnWorkerReport(const proto::Header& header, const proto::WorkerReport& report) = 0;
    virtual void OnPlannerResult(const proto::PlannerResult& result) = 0;
    virtual void OnTransactionsResult(const proto::TransactionsResult& result) = 0;
    virtual void OnWorkerLogsResult(const proto::WorkerLogsResult& result) = 0;
  };
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    Listener& listener;
  };
  struct Options {
    absl::Duration heartbeat_interval = absl::Milliseconds(200);
    absl::Duration suspect_after = absl::Seconds(1);
    absl::Duration report_timeout = absl::Seconds(10);
  };

  TaskManagerRegistry(LeaderIdentity leader, Options options, Dependencies dependencies);
  ~TaskManagerRegistry();

  /// A stream from some TaskManager. It is nobody's until it registers.
  SessionId OnStreamOpened(std::function<void(proto::Envelope)> send, std::function<void()> close);
  void OnMessage(SessionId session, const proto::Envelope& envelope);
  void OnStreamBroken(SessionId session);

  /// Slots of TaskManagers that are registered and not suspect, without what other jobs hold.
  std::map<TaskManagerId, uint32_t> FreeSlotsFor(const JobId& job) const;
  /// Replaces what `job` holds; an empty map releases all.
  void HoldSlots(const JobId& job, std::map<TaskManagerId, uint32_t> slots);
  /// The workers `job` shall have on that TaskManager; tells it at once.
  void SetWorkers(const TaskManagerId& id, const JobId& job,
                  std::vector<proto::WorkerSpec> workers);
  /// To a worker by way of its TaskManager; dropped when there is no stream now.
  void SendToWorker(const TaskManagerId& id, const WorkerId& worker, const JobId& job,
                    Generation generation, proto::WorkerDirective directive);
  /// Asks some TaskManager to plan; false when none is there.
  bool RunPlanner(const proto::RunPlanner& request);
  /// As above; one that has workers of the job, and hence its binary, if there is any.
  bool RunTransactions(const proto::RunTransactions& request);
  /// Asks that TaskManager; false when there is no stream to it now.
  bool ReadWorkerLogs(const TaskManagerId& id, const proto::ReadWorkerLogs& request);

  bool IsPresent(const TaskManagerId& id) const;
  /// It was told to stop, and is being taken leave of.
  bool IsLeaving(const TaskManagerId& id) const;
  /// What a worker there may use for each of its slots; 0: no limit, or no such TaskManager.
  uint64_t SlotMemoryOf(const TaskManagerId& id) const;
  std::vector<proto::TaskManagerDetails> Describe() const;

 private:
  struct Session {
    std::function<void(proto::Envelope)> send;
    std::function<void()> close;
    TaskManagerId task_manager;  // none before registration
  };
  struct TaskManager {
    proto::RegisterTaskManager registration;
    SessionId session;  // none: SUSPECT
    TimerId suspect_timer = 0;
    absl::Duration last_report;  // monotonic
    uint64_t last_sequence = 0;
    bool leaving = false;    // it was told to stop
    bool in_report = false;  // its workers are being handed to their jobs
    std::map<JobId, std::vector<proto::WorkerSpec>> workers;
  };

  bool PassesFence(const Session& session, const proto::Header& header);
  void OnRegister(SessionId id, const proto::RegisterTaskManager& request);
  void Admit(SessionId id, const proto::RegisterTaskManager& request);
  void ReplyRegistration(const Session& session, const std::string& addressee, bool accepted,
                         const std::string& reason, bool may_heal = true);
  void OnReport(TaskManager& task_manager, const proto::TaskManagerReport& report);
  void SendDirective(TaskManager& task_manager);
  void BecomeSuspect(const TaskManagerId& id);
  void Lose(const TaskManagerId& id, const std::string& why);
  void Tick();
  /// To one that runs workers of `job`, if there is any, else to any.
  bool SendToOne(const JobId& job, proto::Envelope envelope);
  proto::Header MakeHeader(const std::string& addressee);

  const LeaderIdentity leader_;
  const Options options_;
  const Dependencies deps_;
  std::map<SessionId, Session> sessions_;
  std::map<TaskManagerId, TaskManager> task_managers_;
  std::map<JobId, std::map<TaskManagerId, uint32_t>> held_;
  std::map<std::string, uint64_t> worker_sequences_;
  uint64_t next_session_ = 1;
  uint64_t next_sequence_ = 1;
  TimerId tick_timer_ = 0;
  Lifetime lifetime_;
};

}  // namespace weir::jobmanager
