#include "jobmanager/resource/task_manager_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/protocol_version.h"

namespace weir::jobmanager {

TaskManagerRegistry::TaskManagerRegistry(LeaderIdentity leader, Options options,
                                         Dependencies dependencies)
    : leader_(std::move(leader)), options_(options), deps_(dependencies) {
  tick_timer_ =
      deps_.executor.PostAfter(options_.heartbeat_interval, lifetime_.Guard([this] { Tick(); }));
}

TaskManagerRegistry::~TaskManagerRegistry() {
  deps_.executor.Cancel(tick_timer_);
  for (auto& [id, task_manager] : task_managers_) {
    if (task_manager.suspect_timer != 0) deps_.executor.Cancel(task_manager.suspect_timer);
  }
}

proto::Header TaskManagerRegistry::MakeHeader(const std::string& addressee) {
  proto::Header header;
  header.set_protocol_version(kProtocolVersion);
  header.set_cluster(leader_.cluster);
  header.set_term(leader_.term.value());
  header.set_term_nonce(leader_.nonce);
  header.set_sender(leader_.sender);
  header.set_addressee(addressee);
  header.set_sequence(next_sequence_++);
  return header;
}

SessionId TaskManagerRegistry::OnStreamOpened(std::function<void(proto::Envelope)> send,
                                              std::function<void()> close) {
  const SessionId id(next_session_++);
  sessions_[id] = Session{std::move(send), std::move(close), TaskManagerId()};
  return id;
}

bool TaskManagerRegistry::PassesFence(const Session& session, const proto::Header& header) {
  if (header.addressee() != leader_.sender) return false;
  if (header.term() != leader_.term.value() || header.term_nonce() != leader_.nonce) return false;
  return !session.task_manager.is_none();
}

void TaskManagerRegistry::OnMessage(SessionId session_id, const proto::Envelope& envelope) {
  const auto it = sessions_.find(session_id);
  if (it == sessions_.end()) return;
  if (envelope.has_register_()) return OnRegister(session_id, envelope.register_());
  if (!PassesFence(it->second, envelope.header())) {
    LogDebug("control message dropped",
             {{"sender", envelope.header().sender()}, {"term", envelope.header().term()}});
    return;
  }
  TaskManager& task_manager = task_managers_.at(it->second.task_manager);
  task_manager.last_report = deps_.clock.Monotonic();
  const proto::Header& header = envelope.header();
  if (envelope.has_task_manager_report()) {
    if (header.sequence() <= task_manager.last_sequence) return;
    task_manager.last_sequence = header.sequence();
    OnReport(task_manager, envelope.task_manager_report());
  } else if (envelope.has_worker_report()) {
    uint64_t& last = worker_sequences_[header.sender()];
    if (header.sequence() <= last) return;
    last = header.sequence();
    deps_.listener.OnWorkerReport(header, envelope.worker_report());
  } else if (envelope.has_planner_result()) {
    deps_.listener.OnPlannerResult(envelope.planner_result());
  } else if (envelope.has_transactions_result()) {
    deps_.listener.OnTransactionsResult(envelope.transactions_result());
  } else if (envelope.has_worker_logs_result()) {
    deps_.listener.OnWorkerLogsResult(envelope.worker_logs_result());
  }
}

void TaskManagerRegistry::ReplyRegistration(const Session& session, const std::string& addressee,
                                            bool accepted, const std::string& reason,
                                            bool may_heal) {
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader(addressee);
  proto::RegistrationReply* reply = envelope.mutable_registration_reply();
  reply->set_accepted(accepted);
  reply->set_reason(reason);
  // Without one the TaskManager gives up.
  if (may_heal) reply->set_probe_path(leader_.probe_path);
  reply->set_heartbeat_interval_ms(absl::ToInt64Milliseconds(options_.heartbeat_interval));
  session.send(std::move(envelope));
}

void TaskManagerRegistry::OnRegister(SessionId id, const proto::RegisterTaskManager& request) {
  const Session& session = sessions_.at(id);
  if (request.protocol_min() > kProtocolVersion || request.protocol_max() < kProtocolVersion) {
    return ReplyRegistration(
        session, request.task_manager(), false,
        absl::StrCat("TaskManager speaks protocol versions ", request.protocol_min(), " to ",
                     request.protocol_max(), ", this JobManager ", kProtocolVersion),
        /*may_heal=*/false);
  }
  if (request.probe_nonce() != leader_.nonce) {
    if (!request.probe_error().empty()) {
      LogWarning("TaskManager cannot read the storage probe",
                 {{"taskmanager", request.task_manager()}, {"error", request.probe_error()}});
    }
    return ReplyRegistration(session, request.task_manager(), false,
                             "the probe of this leader has to be read first");
  }
  Admit(id, request);
}

void TaskManagerRegistry::Admit(SessionId id, const proto::RegisterTaskManager& request) {
  const TaskManagerId who(request.task_manager());
  std::vector<TaskManagerId> replaced;
  for (const auto& [other, task_manager] : task_managers_) {
    const proto::RegisterTaskManager& known = task_manager.registration;
    if (other == who || known.node() != request.node()) continue;
    if (request.incarnation() != 0 && known.incarnation() > request.incarnation()) {
      return ReplyRegistration(
          sessions_.at(id), who.value(), false,
          absl::StrCat("TaskManager ", other.value(), " on host ", known.host(),
                       " was started later on the same work directory (taskmanager.work-dir), or "
                       "on a copy of it, and has taken its place"),
          /*may_heal=*/false);
    }
    replaced.push_back(other);
  }
  for (const TaskManagerId& other : replaced) Lose(other, "its node registered anew");

  TaskManager& task_manager = task_managers_[who];
  if (!task_manager.session.is_none() && task_manager.session != id) {
    const auto old = sessions_.find(task_manager.session);
    if (old != sessions_.end()) {
      const std::function<void()> close = old->second.close;
      sessions_.erase(old);
      close();
    }
  }
  if (task_manager.suspect_timer != 0) deps_.executor.Cancel(task_manager.suspect_timer);
  task_manager.suspect_timer = 0;
  task_manager.registration = request;
  task_manager.session = id;
  task_manager.last_report = deps_.clock.Monotonic();
  sessions_.at(id).task_manager = who;
  LogInfo("TaskManager registered",
          {{"taskmanager", who}, {"host", request.host()}, {"slots", request.slots()}});
  ReplyRegistration(sessions_.at(id), who.value(), true, "");
}

void TaskManagerRegistry::OnReport(TaskManager& task_manager,
                                   const proto::TaskManagerReport& report) {
  const TaskManagerId who(task_manager.registration.task_manager());
  task_manager.leaving = report.leaving();  // from here on nothing is placed there
  task_manager.in_report = true;
  for (const proto::WorkerStatus& status : report.workers()) {
    deps_.listener.OnWorkerStatus(who, status);
  }
  task_manager.in_report = false;
  if (report.leaving()) {
    Lose(who, "it was told to stop");
    return deps_.listener.OnSlotsChanged();
  }
  // The first report after a registration is what makes its slots usable: by then the listener
  // knows which workers survived there.
  deps_.listener.OnSlotsChanged();
  const auto it = task_managers_.find(who);
  if (it != task_managers_.end()) SendDirective(it->second);
}

void TaskManagerRegistry::SendDirective(TaskManager& task_manager) {
  const auto session = sessions_.find(task_manager.session);
  // Before its first report, and before the job of each worker in it has heard of that, a directive
  // would kill workers that somebody may want to adopt. One follows behind the report.
  if (session == sessions_.end() || task_manager.last_sequence == 0) return;
  if (task_manager.in_report) return;
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader(task_manager.registration.task_manager());
  proto::TaskManagerDirective* directive = envelope.mutable_task_manager_directive();
  for (const auto& [job, workers] : task_manager.workers) {
    for (const proto::WorkerSpec& worker : workers) *directive->add_workers() = worker;
  }
  session->second.send(std::move(envelope));
}

void TaskManagerRegistry::OnStreamBroken(SessionId id) {
  const auto it = sessions_.find(id);
  if (it == sessions_.end()) return;
  const TaskManagerId who = it->second.task_manager;
  sessions_.erase(it);
  if (!who.is_none()) BecomeSuspect(who);
}

void TaskManagerRegistry::BecomeSuspect(const TaskManagerId& id) {
  TaskManager& task_manager = task_managers_.at(id);
  task_manager.session = SessionId();
  LogWarning("TaskManager's stream is broken; it is suspect", {{"taskmanager", id}});
  task_manager.suspect_timer =
      deps_.executor.PostAfter(options_.suspect_after, lifetime_.Guard([this, id] {
        Lose(id, absl::StrCat("its stream broke and did not come back within ",
                              absl::FormatDuration(options_.suspect_after)));
      }));
}

void TaskManagerRegistry::Lose(const TaskManagerId& id, const std::string& why) {
  const auto it = task_managers_.find(id);
  if (it == task_managers_.end()) return;
  if (it->second.suspect_timer != 0) deps_.executor.Cancel(it->second.suspect_timer);
  const auto session = sessions_.find(it->second.session);
  if (session != sessions_.end()) {
    const std::function<void()> close = session->second.close;
    sessions_.erase(session);
    close();
  }
  const Loss loss = {why, it->second.leaving};
  task_managers_.erase(it);
  for (auto& [job, slots] : held_) slots.erase(id);
  if (loss.announced) {
    LogInfo("TaskManager left", {{"taskmanager", id}, {"reason", why}});
  } else {
    LogWarning("TaskManager lost", {{"taskmanager", id}, {"reason", why}});
  }
  deps_.listener.OnTaskManagerLost(id, loss);
}

void TaskManagerRegistry::Tick() {
  const absl::Duration now = deps_.clock.Monotonic();
  std::vector<TaskManagerId> silent;
  for (auto& [id, task_manager] : task_managers_) {
    if (task_manager.session.is_none()) continue;
    if (now - task_manager.last_report > options_.report_timeout) silent.push_back(id);
    SendDirective(task_manager);
  }
  for (const TaskManagerId& id : silent) {
    Lose(id, absl::StrCat("no report for ", absl::FormatDuration(options_.report_timeout)));
  }
  tick_timer_ =
      deps_.executor.PostAfter(options_.heartbeat_interval, lifetime_.Guard([this] { Tick(); }));
}

std::map<TaskManagerId, uint32_t> TaskManagerRegistry::FreeSlotsFor(const JobId& job) const {
  std::map<TaskManagerId, uint32_t> free;
  for (const auto& [id, task_manager] : task_managers_) {
    if (!IsPresent(id)) continue;
    uint32_t used = 0;
    for (const auto& [holder, slots] : held_) {
      const auto it = slots.find(id);
      if (holder != job && it != slots.end()) used += it->second;
    }
    free[id] =
        task_manager.registration.slots() - std::min(used, task_manager.registration.slots());
  }
  return free;
}

void TaskManagerRegistry::HoldSlots(const JobId& job, std::map<TaskManagerId, uint32_t> slots) {
  const bool released = slots.empty();
  if (released) {
    held_.erase(job);
  } else {
    held_[job] = std::move(slots);
  }
  if (released) {
    deps_.executor.Post(lifetime_.Guard([this] { deps_.listener.OnSlotsChanged(); }));
  }
}

void TaskManagerRegistry::SetWorkers(const TaskManagerId& id, const JobId& job,
                                     std::vector<proto::WorkerSpec> workers) {
  const auto it = task_managers_.find(id);
  if (it == task_managers_.end()) return;
  if (workers.empty()) {
    it->second.workers.erase(job);
  } else {
    it->second.workers[job] = std::move(workers);
  }
  SendDirective(it->second);
}

void TaskManagerRegistry::SendToWorker(const TaskManagerId& id, const WorkerId& worker,
                                       const JobId& job, Generation generation,
                                       proto::WorkerDirective directive) {
  const auto it = task_managers_.find(id);
  if (it == task_managers_.end()) return;
  const auto session = sessions_.find(it->second.session);
  if (session == sessions_.end()) return;
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader(worker.value());
  envelope.mutable_header()->set_job(job.value());
  envelope.mutable_header()->set_generation(generation.value());
  *envelope.mutable_worker_directive() = std::move(directive);
  session->second.send(std::move(envelope));
}

bool TaskManagerRegistry::SendToOne(const JobId& job, proto::Envelope envelope) {
  const Session* chosen = nullptr;
  for (const auto& [id, task_manager] : task_managers_) {
    const auto session = sessions_.find(task_manager.session);
    if (session == sessions_.end()) continue;
    const bool runs_it = task_manager.workers.count(job) > 0;
    if (chosen != nullptr && !runs_it) continue;
    chosen = &session->second;
    if (runs_it) break;
  }
  if (chosen == nullptr) return false;
  *envelope.mutable_header() = MakeHeader(chosen->task_manager.value());
  chosen->send(std::move(envelope));
  return true;
}

bool TaskManagerRegistry::RunPlanner(const proto::RunPlanner& request) {
  proto::Envelope envelope;
  *envelope.mutable_run_planner() = request;
  return SendToOne(JobId(), std::move(envelope));
}

bool TaskManagerRegistry::RunTransactions(const proto::RunTransactions& request) {
  proto::Envelope envelope;
  *envelope.mutable_run_transactions() = request;
  return SendToOne(JobId(request.facts().job()), std::move(envelope));
}

bool TaskManagerRegistry::ReadWorkerLogs(const TaskManagerId& id,
                                         const proto::ReadWorkerLogs& request) {
  const auto it = task_managers_.find(id);
  if (it == task_managers_.end()) return false;
  const auto session = sessions_.find(it->second.session);
  if (session == sessions_.end()) return false;
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader(id.value());
  *envelope.mutable_read_worker_logs() = request;
  session->second.send(std::move(envelope));
  return true;
}

bool TaskManagerRegistry::IsPresent(const TaskManagerId& id) const {
  const auto it = task_managers_.find(id);
  return it != task_managers_.end() && !it->second.session.is_none() &&
         it->second.last_sequence > 0 && !it->second.leaving;
}

bool TaskManagerRegistry::IsLeaving(const TaskManagerId& id) const {
  const auto it = task_managers_.find(id);
  return it != task_managers_.end() && it->second.leaving;
}

uint64_t TaskManagerRegistry::SlotMemoryOf(const TaskManagerId& id) const {
  const auto it = task_managers_.find(id);
  return it == task_managers_.end() ? 0 : it->second.registration.slot_memory_bytes();
}

std::vector<proto::TaskManagerDetails> TaskManagerRegistry::Describe() const {
  std::vector<proto::TaskManagerDetails> result;
  for (const auto& [id, task_manager] : task_managers_) {
    proto::TaskManagerDetails& details = result.emplace_back();
    details.set_task_manager(id.value());
    details.set_host(task_manager.registration.host());
    details.set_pid(task_manager.registration.pid());
    details.set_slots(task_manager.registration.slots());
    uint32_t used = 0;
    for (const auto& [job, slots] : held_) {
      const auto it = slots.find(id);
      if (it != slots.end()) used += it->second;
    }
    details.set_slots_used(used);
    details.set_state(task_manager.session.is_none() ? "SUSPECT" : "REGISTERED");
  }
  return result;
}

}  // namespace weir::jobmanager
