// The real thread: tasks, commands and callbacks from several threads (also run under TSan).
#include "taskmanager/task/task_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "common/time/system_clock.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {
namespace {

/// Gives `batches` batches of one record, then waits; thread-safe counters for the test.
class CountingReader final : public SourceReader {
 public:
  CountingReader(int64_t batches, std::atomic<int64_t>& position)
      : batches_(batches), position_(position) {}
  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status AddSplits(const std::vector<SourceSplit>& splits) override {
    splits_ = splits;
    return absl::OkStatus();
  }
  absl::StatusOr<ReadResult> Poll() override {
    ReadResult result;
    const int64_t next = position_.load();
    if (next < batches_) {
      result.batch = MakeBatch({next});
      result.next = ReadResult::Next::kMore;
      position_ = next + 1;
    } else {
      result.next = ReadResult::Next::kEndOfInput;
    }
    return result;
  }
  absl::StatusOr<std::vector<SourceSplit>> Snapshot() override {
    std::vector<SourceSplit> splits = splits_;
    for (SourceSplit& split : splits) split.position = std::to_string(position_.load());
    return splits;
  }

 private:
  const int64_t batches_;
  std::atomic<int64_t>& position_;
  std::vector<SourceSplit> splits_;
  std::function<void()> wakeup_;
};

/// Prepares and wakes from another thread.
class AsynchronousWriter final : public SinkWriter {
 public:
  AsynchronousWriter(Executor& other, std::atomic<int64_t>& written)
      : other_(other), written_(written) {}
  void SetWakeup(std::function<void()> wakeup) override { wakeup_ = std::move(wakeup); }
  absl::Status Open(const std::string&) override { return absl::OkStatus(); }
  bool HasRoom() override { return in_flight_->load() < 10; }
  absl::Status Write(const BatchPtr& batch) override {
    written_ += static_cast<int64_t>(batch->num_rows());
    ++*in_flight_;
    other_.Post([in_flight = in_flight_, wakeup = wakeup_] {
      --*in_flight;
      wakeup();
    });
    return absl::OkStatus();
  }
  void PrepareCommit(Epoch, PrepareDone done) override {
    other_.Post([done = std::move(done)] { done(std::vector<std::string>()); });
  }

 private:
  Executor& other_;
  std::atomic<int64_t>& written_;
  std::shared_ptr<std::atomic<int>> in_flight_ = std::make_shared<std::atomic<int>>(0);
  std::function<void()> wakeup_;
};

class CountingObserver final : public TaskObserver {
 public:
  void OnRunning(SubtaskId) override {}
  void OnSnapshot(SubtaskId, Epoch, LeaderTerm,
                  absl::StatusOr<TaskSnapshotData> snapshot) override {
    if (snapshot.ok()) ++snapshots;
    if (on_snapshot) on_snapshot();
  }
  void OnCommitted(SubtaskId, Epoch) override {}
  void OnFinished(SubtaskId) override {
    if (++finished == expected_finished) all_finished.set_value();
  }
  void OnFailed(SubtaskId, const TaskFailure& failure) override {
    ADD_FAILURE() << failure.ToString();
  }

  std::atomic<int> snapshots{0};
  std::atomic<int> finished{0};
  int expected_finished = 1;
  std::promise<void> all_finished;
  std::function<void()> on_snapshot;
};

class TaskThreadTest : public ::testing::Test {
 protected:
  static constexpr int64_t kBatches = 2000;

  std::shared_ptr<Task> MakeTask(uint32_t index, CountingObserver& observer) {
    Task::Options options;
    options.subtask = SubtaskId{VertexId(1), index};
    options.name = "numbers -> out";
    options.chain = std::make_unique<OperatorChain>();
    options.chain->AddSink(options.chain->head(), {"out", "out"},
                           std::make_unique<AsynchronousWriter>(other_, written_));
    SourceHead::Options source;
    source.identity = {"numbers", "numbers"};
    source.reader = std::make_unique<CountingReader>(kBatches, positions_[index]);
    source.clock = &clock_;
    options.source = std::move(source);
    options.clock = &clock_;
    options.observer = &observer;
    return std::make_shared<Task>(std::move(options));
  }

  void RemoveAllAndWait(TaskThread& thread) {
    std::promise<void> removed;
    thread.RemoveAll([&removed] { removed.set_value(); });
    removed.get_future().wait();
  }

  SystemClock clock_;
  ThreadExecutor other_{ThreadExecutorOptions{.name = "other"}};
  std::atomic<int64_t> written_{0};
  std::atomic<int64_t> positions_[2] = {0, 0};
};

TEST_F(TaskThreadTest, RunsTwoTasksToTheirEnd) {
  CountingObserver observer;
  observer.expected_finished = 2;
  TaskThread thread(clock_, {});
  for (uint32_t i = 0; i < 2; ++i) {
    const auto task = MakeTask(i, observer);
    thread.AddTask(task);
    task->Start();
    task->AddSplits({{"numbers-0", "0", {}, false}});
  }
  observer.all_finished.get_future().wait();

  EXPECT_EQ(written_.load(), 2 * kBatches);
  RemoveAllAndWait(thread);
}

TEST_F(TaskThreadTest, CheckpointsWhileRecordsFlow) {
  CountingObserver observer;
  std::promise<void> all_answered;
  observer.on_snapshot = [&, answers = 0]() mutable {
    if (++answers == 50) all_answered.set_value();
  };
  TaskThread thread(clock_, {});
  const auto task = MakeTask(0, observer);
  thread.AddTask(task);
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  for (uint64_t epoch = 1; epoch <= 50; ++epoch) task->TriggerCheckpoint(BarrierOf(epoch));
  all_answered.get_future().wait();
  observer.all_finished.get_future().wait();

  EXPECT_GT(observer.snapshots.load(), 0);
  RemoveAllAndWait(thread);
}

TEST_F(TaskThreadTest, RemovedTasksAreLetGo) {
  CountingObserver observer;
  TaskThread thread(clock_, {});
  std::weak_ptr<Task> gone;
  {
    const auto task = MakeTask(0, observer);
    gone = task;
    thread.AddTask(task);
    task->Start();
    task->AddSplits({{"numbers-0", "0", {}, false}});
  }
  RemoveAllAndWait(thread);

  EXPECT_TRUE(gone.expired());
}

TEST_F(TaskThreadTest, DestructionWithRunningTasksIsSafe) {
  CountingObserver observer;
  auto thread = std::make_unique<TaskThread>(clock_, TaskThread::Options());
  const auto task = MakeTask(0, observer);
  thread->AddTask(task);
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  thread.reset();
  task->Cancel();  // reaches nobody
}

TEST_F(TaskThreadTest, StalledStepIsNamed) {
  CountingObserver observer;
  ThreadExecutor executor({.name = "slot"});
  ExecutorTaskHost host(executor, clock_, {});
  std::promise<void> entered;
  std::promise<void> leave;
  Task::Options options;
  options.subtask = SubtaskId{VertexId(1), 3};
  options.name = "numbers -> slow";
  options.chain = std::make_unique<OperatorChain>();
  OperatorStage::Options stage;
  stage.context.operator_uid = stage.context.operator_name = "slow";
  stage.clock = &clock_;
  stage.op = std::make_unique<CallingOperator>([&, first = true](const Batch&) mutable {
    if (std::exchange(first, false)) {
      entered.set_value();
      leave.get_future().wait();
    }
    return absl::OkStatus();
  });
  options.chain->AddOperator(options.chain->head(), std::move(stage));
  SourceHead::Options source;
  source.identity = {"numbers", "numbers"};
  source.reader = std::make_unique<CountingReader>(1, positions_[0]);
  source.clock = &clock_;
  options.source = std::move(source);
  options.clock = &clock_;
  options.observer = &observer;
  const auto task = std::make_shared<Task>(std::move(options));
  host.AddTask(task);
  task->Start();
  task->AddSplits({{"numbers-0", "0", {}, false}});
  entered.get_future().wait();

  const std::optional<StalledStep> stall = host.FindStall(absl::ZeroDuration());
  leave.set_value();
  observer.all_finished.get_future().wait();
  executor.Shutdown();

  ASSERT_TRUE(stall.has_value());
  EXPECT_EQ(stall->operator_name, "slow");
  EXPECT_EQ(stall->task_name, "numbers -> slow");
  EXPECT_EQ(stall->subtask.index, 3u);
}

}  // namespace
}  // namespace weir::taskmanager
