#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"

#include "common/base/ids.h"
#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/exec/retry_wait.h"
#include "common/io/file_system.h"
#include "common/operator/stream_graph.h"
#include "common/time/clock.h"
#include "proto/control.pb.h"
#include "taskmanager/task/channel.h"
#include "taskmanager/task/task_observer.h"
#include "taskmanager/worker/channel_map.h"
#include "taskmanager/worker/checkpoint_answers.h"
#include "taskmanager/worker/coordinator_tasks.h"
#include "taskmanager/worker/generation_preparation.h"
#include "taskmanager/worker/posting_observer.h"
#include "taskmanager/worker/sink_upkeep.h"
#include "taskmanager/worker/snapshot_uploads.h"
#include "taskmanager/worker/stall_watch.h"
#include "taskmanager/worker/task_set.h"
#include "taskmanager/worker/uploaded_files.h"
#include "taskmanager/worker/worker_exchange.h"

namespace weir::taskmanager {

/// A worker as the JobManager sees it: obeys directives of the current leader, reports what it is.
/// Protocols: docs/protocols/fencing.md, recovery.md, checkpointing.md.
///
/// Life cycle: constructed; directives; destroyed after its task hosts have stopped.
/// Threads: not thread-safe; all calls on `executor`. Task events come from task threads and are
/// posted here. Blocking work runs on `pool`.
/// Lifetime: borrows its dependencies; they outlive it.
/// Errors: whatever goes wrong in a generation is reported as FAILED with one sentence; the next
/// generation starts afresh.
class WorkerEndpoint final : public TaskEvents {
 public:
  /// Metrics are gathered this often.
  static constexpr absl::Duration kMetricsInterval = absl::Seconds(1);
  /// A failure that would end the job is judged so often, where brokers are asked for it.
  static constexpr size_t kJudgements = 5;
  static constexpr absl::Duration kJudgementPause = absl::Seconds(1);

  struct Dependencies {
    const Clock& clock;
    Executor& executor;
    BlockingPool& pool;
    FileSystem& files;
    TaskHostProvider hosts;
    std::function<void(proto::Envelope)> send;
    std::function<uint64_t()> resident_bytes;
    /// Takes the metrics of tasks and sinks; null: none are gathered.
    std::function<void(proto::WorkerMetrics)> show_metrics = nullptr;
    /// To the other workers of the job; null: it has no others.
    ExchangeTransport* transport = nullptr;
    /// Makes the keyed state of jobs that have it in memory; null: HeapKeyedStateBackend.
    KeyedStateFactory keyed_state = nullptr;
    /// Writes snapshots to checkpoint storage, which may hang for long; null: `pool`.
    BlockingPool* uploads = nullptr;
  };
  struct Options {
    absl::Duration heartbeat_interval = absl::Milliseconds(200);
    std::string host;                // named in messages about this node
    proto::ExchangePeer exchange{};  // how the transport is reached, with this worker's id
    std::string state_directory{};   // for keyed state in files; empty: there is none
    absl::Duration sink_sweep_interval = SinkCommitter::kSweepInterval;
  };

  /// `plan` is what this process planned from the same graph.
  WorkerEndpoint(WorkerId id, JobId job, const StreamGraph& graph, proto::JobGraph plan,
                 Options options, Dependencies dependencies);
  ~WorkerEndpoint() override;

  void OnEnvelope(const proto::Envelope& envelope);

  /// Closes the tasks it has, and obeys nothing more; `stopped` is called when they are gone.
  void Stop(std::function<void()> stopped);

  Generation generation() const { return generation_; }
  LeaderTerm term() const { return term_; }

  // TaskEvents
  void OnTaskRunning(SubtaskId task) override;
  void OnTaskSnapshot(SubtaskId task, const Barrier& barrier,
                      absl::StatusOr<TaskSnapshotData> snapshot) override;
  void OnTaskFinished(SubtaskId task) override;
  void OnTaskCommitted(SubtaskId task, Epoch epoch) override;
  void OnTaskFailed(SubtaskId task, const TaskFailure& failure) override;

 private:
  bool PassesFence(const proto::Header& header);
  void Obey(const proto::Header& header, const proto::WorkerDirective& directive);
  void ObeyRunning(const proto::WorkerDirective& directive);
  void TearDown(std::function<void()> then);
  void StartGeneration(Generation generation, const proto::Deployment& deployment);
  SinkIdentity Identity() const;
  void OnPrepared(PreparedGeneration prepared);
  void OpenExchange(const WorkerExchange::Peers& peers);
  void BuildTasks();
  void BecomeReady();
  KeyedStateFactory KeyedState() const;
  void Run(const proto::WorkerDirective& directive);
  void DropCopies(std::vector<std::string> names);
  void ScheduleDiscovery();

  void OnUploaded(const Barrier& barrier, WrittenSnapshot written);
  void Judge(const TaskFailure& failure, size_t judgements);
  void Fail(const absl::Status& status, const std::string& operator_uid, bool retriable);
  void SendReport();
  void Tick();
  void ShowMetrics();

  const WorkerId id_;
  const JobId job_;
  const StreamGraph& graph_;
  const proto::JobGraph plan_;
  const Options options_;
  const Dependencies deps_;

  // Fencing.
  LeaderTerm term_;
  std::string term_nonce_;
  std::string leader_;
  std::map<std::string, uint64_t> last_sequence_;
  Generation highest_generation_;
  uint64_t next_sequence_ = 1;

  // The current generation.
  Generation generation_;
  proto::WorkerReport::State state_ = proto::WorkerReport::IDLE;
  proto::Deployment deployment_;
  proto::Failure failure_;
  std::shared_ptr<PostingObserver> observer_;
  std::map<SubtaskId, RestoredTask> restored_;  // until the tasks are built
  std::unique_ptr<ChannelMap> channels_;        // from then on, or from OnPrepared
  std::unique_ptr<TaskSet> tasks_;
  std::unique_ptr<WorkerExchange> exchange_;  // null without a transport
  std::shared_ptr<CoordinatorTasks> coordinator_;
  std::unique_ptr<SinkUpkeep> upkeep_;  // while it runs, where the coordinator tasks are
  std::vector<proto::SourceCoordinatorState> coordinator_states_;
  std::vector<proto::SinkCoordinatorState> sink_states_;
  std::vector<proto::SinkMetrics> sink_metrics_;
  std::vector<std::string> notes_;
  std::shared_ptr<std::atomic<uint64_t>> initialization_steps_;  // from StartGeneration on
  // Of the newest generation; cancelled when that is over.
  std::shared_ptr<RetryWait> preparation_wait_ = std::make_shared<ThreadRetryWait>();
  std::vector<proto::SplitAssignment> assignments_;
  CheckpointAnswers answers_{id_};
  SnapshotUploads uploads_;
  std::shared_ptr<std::atomic<uint64_t>> last_blob_ = std::make_shared<std::atomic<uint64_t>>(0);
  std::shared_ptr<UploadedFiles> uploaded_;  // of the generation
  bool discovering_ = false;

  bool tearing_down_ = false;
  std::function<void()> stopped_;             // set: it stops
  std::optional<proto::Envelope> held_back_;  // newest directive that came during a tear-down
  std::map<uint32_t, TaskHost*> used_hosts_;
  StallWatch stall_watch_;
  TimerId tick_timer_ = 0;
  TimerId discovery_timer_ = 0;
  TimerId metrics_timer_ = 0;
  Lifetime generation_lifetime_;
  Lifetime lifetime_;
};

}  // namespace weir::taskmanager
