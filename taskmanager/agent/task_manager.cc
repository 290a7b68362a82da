#include "taskmanager/agent/task_manager.h"

#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/protocol_version.h"
#include "common/net/protocol_check.h"

namespace weir::taskmanager {
namespace {
// A probe that is not there yet may be a mount's cached directory; after this many reads it is not.
constexpr int kProbeReadsMax = 5;
constexpr absl::Duration kProbeReadPause = absl::Seconds(1);
// A registration, or the reply to it, may be lost: after this many heartbeats it is sent again.
constexpr int kTicksBetweenRegistrations = 5;
}  // namespace

TaskManager::TaskManager(Options options, Dependencies dependencies)
    : options_(std::move(options)), deps_(std::move(dependencies)) {
  Tick();
}

TaskManager::~TaskManager() {
  deps_.executor.Cancel(tick_timer_);
  deps_.executor.Cancel(probe_timer_);
  deps_.executor.Cancel(leave_timer_);
}

proto::Header TaskManager::MakeHeader() {
  proto::Header header;
  header.set_protocol_version(kProtocolVersion);
  header.set_cluster(options_.cluster);
  header.set_term(term_.value());
  header.set_term_nonce(term_nonce_);
  header.set_sender(options_.id.value());
  header.set_addressee(leader_);
  header.set_sequence(next_sequence_++);
  return header;
}

void TaskManager::OnLeaderStreamUp() {
  stream_up_ = true;
  last_heard_ = deps_.clock.Monotonic();
  registered_ = false;
  probe_nonce_.clear();
  failed_probe_reads_ = 0;
  Register("", "");
}

void TaskManager::OnLeaderStreamDown() {
  stream_up_ = false;
  registered_ = false;
  reading_probe_ = false;
  stream_lifetime_.Reset();
  deps_.executor.Cancel(probe_timer_);
  if (leaving_) GoOnLeaving();
}

void TaskManager::Register(const std::string& probe_nonce, const std::string& probe_error) {
  if (!stream_up_ || leaving_) return;
  unanswered_ticks_ = 0;
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader();
  proto::RegisterTaskManager* request = envelope.mutable_register_();
  request->set_task_manager(options_.id.value());
  request->set_node(options_.node);
  request->set_host(options_.host);
  request->set_slots(options_.slots);
  request->set_incarnation(options_.incarnation);
  request->set_slot_memory_bytes(options_.slot_memory_bytes);
  request->set_pid(options_.pid);
  request->set_protocol_min(kProtocolVersionMin);
  request->set_protocol_max(kProtocolVersion);
  request->set_probe_nonce(probe_nonce);
  request->set_probe_error(probe_error);
  deps_.send_to_leader(std::move(envelope));
}

bool TaskManager::PassesFence(const proto::Header& header) {
  if (header.term() == 0) return false;
  const LeaderTerm term(header.term());
  if (term < term_ || (term == term_ && header.term_nonce() != term_nonce_)) return false;
  return header.cluster() == options_.cluster;
}

void TaskManager::OnLeaderMessage(const proto::Envelope& envelope) {
  last_heard_ = deps_.clock.Monotonic();
  const proto::Header& header = envelope.header();
  if (envelope.has_registration_reply()) {
    return OnRegistrationReply(header, envelope.registration_reply());
  }
  if (!registered_ || !PassesFence(header)) return;
  if (envelope.has_worker_directive()) return RelayToWorker(envelope);
  if (header.addressee() != options_.id.value()) return;
  uint64_t& last = last_sequence_[header.sender()];
  if (header.sequence() <= last) return;
  last = header.sequence();
  if (envelope.has_task_manager_directive()) {
    OnDirective(envelope.task_manager_directive());
  } else if (envelope.has_run_planner()) {
    OnRunPlanner(envelope.run_planner());
  } else if (envelope.has_run_transactions()) {
    OnRunTransactions(envelope.run_transactions());
  } else if (envelope.has_read_worker_logs()) {
    OnReadWorkerLogs(envelope.read_worker_logs());
  }
}

void TaskManager::OnRegistrationReply(const proto::Header& header,
                                      const proto::RegistrationReply& reply) {
  if (header.term() == 0) {  // a standby
    return deps_.move_on(reply.leader_address(), reply.reason());
  }
  if (header.cluster() != options_.cluster) {
    return deps_.on_fatal(absl::FailedPreconditionError(
        absl::StrCat("the JobManager belongs to cluster '", header.cluster(),
                     "', this TaskManager to '", options_.cluster, "'")));
  }
  if (!PassesFence(header)) return deps_.move_on("", "it leads an older term");
  if (!reply.accepted() && reply.probe_path().empty()) {
    return deps_.on_fatal(absl::FailedPreconditionError(reply.reason()));
  }
  term_ = LeaderTerm(header.term());
  term_nonce_ = header.term_nonce();
  leader_ = header.sender();
  if (!reply.accepted()) {
    // One read at a time: every failed one is reported, and every report is answered like this.
    if (!reading_probe_) ReadProbe(reply.probe_path());
    return;
  }
  LogInfo("registered", {{"taskmanager", options_.id}, {"term", term_}});
  registered_ = true;
  was_registered_ = true;
  deps_.confirm_leader();
  SendReport();
}

void TaskManager::ReadProbe(const std::string& path) {
  reading_probe_ = true;
  using Contents = absl::StatusOr<std::string>;
  deps_.pool.Run<Contents>(
      deps_.executor,
      [&files = deps_.files, full = absl::StrCat(options_.storage_root, "/", path)] {
        return files.Read(full);
      },
      stream_lifetime_.Guard(
          [this, path](const Contents& contents) { OnProbeRead(path, contents); }));
}

void TaskManager::OnProbeRead(const std::string& path,
                              const absl::StatusOr<std::string>& contents) {
  if (!stream_up_ || registered_) return;
  if (contents.ok()) {
    reading_probe_ = false;
    failed_probe_reads_ = 0;
    probe_nonce_ = *contents;
    return Register(probe_nonce_, "");
  }
  if (absl::IsNotFound(contents.status()) && ++failed_probe_reads_ >= kProbeReadsMax) {
    return deps_.on_fatal(absl::FailedPreconditionError(
        absl::StrCat("storage.root is not shared: host ", options_.host, " does not see '",
                     options_.storage_root, "/", path, "', which the JobManager wrote")));
  }
  Register("", std::string(contents.status().message()));
  deps_.executor.Cancel(probe_timer_);
  probe_timer_ = deps_.executor.PostAfter(kProbeReadPause, lifetime_.Guard([this, path] {
    if (stream_up_ && !registered_) ReadProbe(path);
  }));
}

void TaskManager::OnDirective(const proto::TaskManagerDirective& directive) {
  if (leaving_) return;
  std::set<WorkerId> wanted;
  std::vector<const proto::WorkerSpec*> to_start;
  for (const proto::WorkerSpec& spec : directive.workers()) {
    const WorkerId id(spec.worker());
    wanted.insert(id);
    if (workers_.count(id) == 0) to_start.push_back(&spec);
  }
  for (auto it = workers_.begin(); it != workers_.end();) {
    const bool exited = it->second.status.state() == proto::WorkerStatus::EXITED;
    if (wanted.count(it->first) > 0) {
      ++it;
    } else if (exited) {
      it = workers_.erase(it);  // the leader has heard of it
    } else {
      deps_.launcher.Kill(it->first);
      ++it;
    }
  }
  for (const proto::WorkerSpec* spec : to_start) StartWorker(*spec);
}

void TaskManager::StartWorker(const proto::WorkerSpec& spec) {
  const WorkerId id(spec.worker());
  LogInfo("starting worker", {{"worker", id}, {"job", spec.job()}});
  Worker& worker = workers_[id];
  worker.spec = spec;
  worker.status.set_worker(spec.worker());
  worker.status.set_job(spec.job());
  worker.status.set_state(proto::WorkerStatus::STARTING);
  deps_.launcher.Launch(
      spec, lifetime_.Guard([this, id](uint64_t pid) {
        const auto it = workers_.find(id);
        if (it != workers_.end()) it->second.status.set_pid(pid);
      }),
      lifetime_.Guard([this, id](const std::string& reason) { OnWorkerExited(id, reason); }));
}

void TaskManager::OnWorkerExited(const WorkerId& id, const std::string& how) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return;
  const std::string& reason = it->second.ended_because.empty() ? how : it->second.ended_because;
  LogWarning("worker exited", {{"worker", id}, {"reason", reason}});
  it->second.status.set_state(proto::WorkerStatus::EXITED);
  it->second.status.set_exit_reason(reason);
  it->second.metrics.reset();
  ++worker_exits_;
  if (leaving_) return GoOnLeaving();
  SendReport();
}

TaskManager::StreamId TaskManager::OnWorkerStreamUp(std::function<void(proto::Envelope)> send,
                                                    std::function<void()> close) {
  const StreamId id = next_stream_++;
  streams_[id] = WorkerStream{std::move(send), std::move(close), WorkerId()};
  return id;
}

void TaskManager::OnWorkerMessage(StreamId stream, const proto::Envelope& envelope) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return;
  if (envelope.has_worker_hello()) {
    const proto::WorkerHello& hello = envelope.worker_hello();
    const auto worker = workers_.find(WorkerId(hello.worker()));
    if (worker == workers_.end() || worker->second.status.state() == proto::WorkerStatus::EXITED) {
      const std::function<void()> close = it->second.close;
      streams_.erase(it);
      return close();  // not one of ours
    }
    const absl::Status versions =
        CheckProtocolVersions(hello.protocol_min(), hello.protocol_max(), "it", "its TaskManager");
    if (hello.protocol_max() != 0 && !versions.ok()) {
      worker->second.ended_because = absl::StrCat(
          "is killed: ", versions.message(), ", so the job is to be built with the cluster's Weir");
      return deps_.launcher.Kill(worker->first);
    }
    it->second.worker = worker->first;
    worker->second.stream = stream;
    worker->second.status.set_state(proto::WorkerStatus::CONNECTED);
    worker->second.status.set_pid(hello.pid());
    return SendReport();
  }
  if (it->second.worker.is_none()) return;
  if (envelope.header().sender() != it->second.worker.value()) return;
  if (envelope.has_worker_metrics()) {
    return OnWorkerMetrics(it->second.worker, envelope.worker_metrics());
  }
  if (!envelope.has_worker_report()) return;
  if (registered_) deps_.send_to_leader(envelope);
}

void TaskManager::OnWorkerStreamDown(StreamId stream) {
  const auto it = streams_.find(stream);
  if (it == streams_.end()) return;
  const auto worker = workers_.find(it->second.worker);
  // A worker without its stream is of no use; its exit, which follows, is what counts.
  if (worker != workers_.end() && worker->second.stream == stream) {
    worker->second.stream = 0;
    worker->second.metrics.reset();
    deps_.launcher.Kill(worker->first);
  }
  streams_.erase(it);
}

void TaskManager::RelayToWorker(const proto::Envelope& envelope) {
  const auto worker = workers_.find(WorkerId(envelope.header().addressee()));
  if (worker == workers_.end()) return;
  const auto stream = streams_.find(worker->second.stream);
  if (stream != streams_.end()) stream->second.send(envelope);
}

void TaskManager::OnRunPlanner(const proto::RunPlanner& request) {
  deps_.launcher.Plan(
      request,
      lifetime_.Guard([this, id = request.request()](absl::StatusOr<proto::JobGraph> graph) {
        proto::Envelope envelope;
        *envelope.mutable_header() = MakeHeader();
        proto::PlannerResult* result = envelope.mutable_planner_result();
        result->set_request(id);
        if (graph.ok()) {
          *result->mutable_graph() = *std::move(graph);
        } else {
          result->set_error(std::string(graph.status().message()));
        }
        if (registered_) deps_.send_to_leader(std::move(envelope));
      }));
}

void TaskManager::OnRunTransactions(const proto::RunTransactions& request) {
  deps_.launcher.Inspect(
      request, lifetime_.Guard([this, id = request.request()](
                                   absl::StatusOr<proto::TransactionsResult> answer) {
        proto::Envelope envelope;
        *envelope.mutable_header() = MakeHeader();
        proto::TransactionsResult* result = envelope.mutable_transactions_result();
        if (answer.ok()) {
          *result = *std::move(answer);
        } else {
          result->set_code(static_cast<int32_t>(answer.status().code()));
          result->set_error(std::string(answer.status().message()));
        }
        result->set_request(id);
        if (registered_) deps_.send_to_leader(std::move(envelope));
      }));
}

void TaskManager::OnReadWorkerLogs(const proto::ReadWorkerLogs& request) {
  deps_.launcher.ReadLogs(
      request, lifetime_.Guard(
                   [this, id = request.request()](absl::StatusOr<WorkerLauncher::WorkerLogs> logs) {
                     proto::Envelope envelope;
                     *envelope.mutable_header() = MakeHeader();
                     proto::WorkerLogsResult* result = envelope.mutable_worker_logs_result();
                     result->set_request(id);
                     if (!logs.ok()) result->set_error(std::string(logs.status().message()));
                     for (proto::WorkerLog& log : logs.value_or(WorkerLauncher::WorkerLogs())) {
                       log.set_task_manager(options_.id.value());
                       *result->add_logs() = std::move(log);
                     }
                     if (registered_) deps_.send_to_leader(std::move(envelope));
                   }));
}

size_t TaskManager::running_workers() const {
  size_t running = 0;
  for (const auto& [id, worker] : workers_) {
    if (worker.status.state() != proto::WorkerStatus::EXITED) ++running;
  }
  return running;
}

void TaskManager::SendReport() {
  if (!registered_) return;
  // That workers have ended is said together with the reason, else it is a failure of their jobs.
  if (leaving_ && !leave_told_) return;
  proto::Envelope envelope;
  *envelope.mutable_header() = MakeHeader();
  proto::TaskManagerReport* report = envelope.mutable_task_manager_report();
  for (const auto& [id, worker] : workers_) *report->add_workers() = worker.status;
  report->set_leaving(leave_told_);
  deps_.send_to_leader(std::move(envelope));
}

void TaskManager::Leave(std::function<void()> left) {
  if (std::exchange(leaving_, true)) return;
  LogInfo("leaving the cluster", {{"taskmanager", options_.id}, {"workers", running_workers()}});
  left_ = std::move(left);
  for (auto& [id, worker] : workers_) {
    if (worker.status.state() == proto::WorkerStatus::EXITED) continue;
    worker.ended_because = "ended with its TaskManager, which was told to stop";
    deps_.launcher.End(id);
  }
  leave_timer_ = deps_.executor.PostAfter(kLeaveReportAfter, lifetime_.Guard([this] {
    if (!leave_told_) {
      leave_told_ = true;
      SendReport();
    }
    leave_timer_ = deps_.executor.PostAfter(kLeavePatience - kLeaveReportAfter,
                                            lifetime_.Guard([this] { FinishLeaving(); }));
  }));
  GoOnLeaving();
}

void TaskManager::GoOnLeaving() {
  if (running_workers() > 0) return;
  if (!registered_) return FinishLeaving();  // nobody leads, or the leader has taken note
  if (leave_told_) return;
  leave_told_ = true;
  SendReport();
}

void TaskManager::FinishLeaving() {
  const std::function<void()> left = std::exchange(left_, nullptr);
  if (left == nullptr) return;
  LogInfo("left the cluster", {{"taskmanager", options_.id}, {"workers", running_workers()}});
  left();
}

void TaskManager::Tick() {
  SendReport();
  // Of a host that is gone, or a link that is cut, nothing is heard, not even that.
  if (stream_up_ && deps_.clock.Monotonic() - last_heard_ > options_.leader_timeout) {
    last_heard_ = deps_.clock.Monotonic();
    deps_.move_on("", absl::StrCat("nothing heard of it for ",
                                   absl::FormatDuration(options_.leader_timeout)));
  }
  if (stream_up_ && !registered_ && ++unanswered_ticks_ >= kTicksBetweenRegistrations) {
    Register(probe_nonce_, "");
  }
  tick_timer_ =
      deps_.executor.PostAfter(options_.heartbeat_interval, lifetime_.Guard([this] { Tick(); }));
}

}  // namespace weir::taskmanager
