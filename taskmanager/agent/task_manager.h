#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"
#include "common/metrics/metrics_page.h"
#include "common/time/clock.h"
#include "proto/control.pb.h"
#include "taskmanager/agent/worker_launcher.h"

namespace weir::taskmanager {

/// The TaskManager of one node: finds the leader, registers, runs the workers it is told to run,
/// and relays between them and the leader. Protocols: docs/protocols/fencing.md, recovery.md.
///
/// Life cycle: constructed; events; at an orderly end Leave; destroyed after its workers are
/// killed. Threads: not thread-safe; all calls on `executor`. Lifetime: borrows its dependencies.
/// Errors: `on_fatal` when this node can never serve the cluster (it does not see the storage,
/// speaks another protocol version): one sentence; the process should end with it.
class TaskManager {
 public:
  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    FileSystem& files;
    WorkerLauncher& launcher;
    std::function<void(proto::Envelope)> send_to_leader;
    /// This address does not lead; try `leader_address`, or the next one when it is empty.
    std::function<void(const std::string& leader_address, const std::string& why)> move_on;
    std::function<void()> confirm_leader;
    std::function<void(const absl::Status&)> on_fatal;
  };
  struct Options {
    TaskManagerId id;
    std::string node;  // names the work directory: the same for every start on it
    std::string host;
    std::string cluster;
    std::string storage_root;
    uint32_t slots = 1;
    uint64_t incarnation = 0;        // counts the starts on the work directory
    uint64_t slot_memory_bytes = 0;  // that workers may use for each slot; 0: no limit
    uint64_t pid = 0;
    absl::Duration heartbeat_interval = absl::Milliseconds(200);
    absl::Duration leader_timeout = absl::Seconds(10);  // of silence; then another is looked for
  };

  TaskManager(Options options, Dependencies dependencies);
  ~TaskManager();

  // The stream to the leader.
  void OnLeaderStreamUp();
  void OnLeaderMessage(const proto::Envelope& envelope);
  void OnLeaderStreamDown();

  // Streams of workers. `send` and `close` are called until OnWorkerStreamDown.
  using StreamId = uint64_t;
  StreamId OnWorkerStreamUp(std::function<void(proto::Envelope)> send, std::function<void()> close);
  void OnWorkerMessage(StreamId stream, const proto::Envelope& envelope);
  void OnWorkerStreamDown(StreamId stream);

  /// For an orderly end: its workers are told to end, then the leader is told that they have, and
  /// that this TaskManager goes, so that it waits for no heartbeat. `left` is called, once, when
  /// the workers have ended and the leader has taken note of it by closing the stream, or nobody
  /// leads, or after kLeavePatience. A worker that does not end holds up what the leader is told
  /// for kLeaveReportAfter only. From the call on nothing is started.
  void Leave(std::function<void()> left);
  static constexpr absl::Duration kLeaveReportAfter = absl::Milliseconds(500);
  static constexpr absl::Duration kLeavePatience = absl::Seconds(5);

  LeaderTerm term() const { return term_; }
  /// At a leader, and it is not leaving.
  bool registered() const { return registered_ && !leaving_; }
  size_t running_workers() const;
  /// It has been registered at some leader.
  bool was_registered() const { return was_registered_; }
  /// Its own metrics and what its workers last sent.
  void AddMetrics(MetricsPage* page) const;

  /// Sets of values in one message of a worker; more are left out.
  static constexpr int kMaxMetricSets = 10'000;

 private:
  struct Worker {
    proto::WorkerSpec spec;
    proto::WorkerStatus status;
    StreamId stream = 0;
    std::string ended_because;                    // why it is ended, when that is our doing
    std::optional<proto::WorkerMetrics> metrics;  // while it is connected
    absl::Duration metrics_at;                    // monotonic
  };
  struct WorkerStream {
    std::function<void(proto::Envelope)> send;
    std::function<void()> close;
    WorkerId worker;
  };

  bool PassesFence(const proto::Header& header);
  void Register(const std::string& probe_nonce, const std::string& probe_error);
  void OnRegistrationReply(const proto::Header& header, const proto::RegistrationReply& reply);
  void ReadProbe(const std::string& path);
  void OnProbeRead(const std::string& path, const absl::StatusOr<std::string>& contents);
  void OnDirective(const proto::TaskManagerDirective& directive);
  void StartWorker(const proto::WorkerSpec& spec);
  void OnWorkerExited(const WorkerId& id, const std::string& how);
  void OnWorkerMetrics(const WorkerId& id, const proto::WorkerMetrics& metrics);
  void AddWorkerMetrics(const WorkerId& id, const Worker& worker, MetricsPage* page) const;
  void RelayToWorker(const proto::Envelope& envelope);
  void OnRunPlanner(const proto::RunPlanner& request);
  void OnRunTransactions(const proto::RunTransactions& request);
  void OnReadWorkerLogs(const proto::ReadWorkerLogs& request);
  void SendReport();
  void Tick();
  void GoOnLeaving();
  void FinishLeaving();
  proto::Header MakeHeader();

  const Options options_;
  const Dependencies deps_;
  LeaderTerm term_;
  std::string term_nonce_;
  std::string leader_;
  std::map<std::string, uint64_t> last_sequence_;
  bool stream_up_ = false;
  absl::Duration last_heard_;  // from the leader, monotonic; while its stream is up
  bool registered_ = false;
  bool was_registered_ = false;
  uint64_t worker_exits_ = 0;
  std::string probe_nonce_;     // what it read from the leader's probe
  int unanswered_ticks_ = 0;    // since it last asked to be registered
  bool reading_probe_ = false;  // or waiting to read it again
  int failed_probe_reads_ = 0;
  uint64_t next_sequence_ = 1;
  std::map<WorkerId, Worker> workers_;
  std::map<StreamId, WorkerStream> streams_;
  StreamId next_stream_ = 1;
  bool leaving_ = false;
  std::function<void()> left_;  // to call, once
  bool leave_told_ = false;     // the leader was told, and closes the stream
  TimerId leave_timer_ = 0;
  TimerId tick_timer_ = 0;
  TimerId probe_timer_ = 0;
  Lifetime stream_lifetime_;  // of the stream to the leader
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager
