#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/operator/operator.h"
#include "common/operator/stream_graph.h"
#include "common/time/clock.h"
#include "common/types/record.h"
#include "taskmanager/task/task.h"
#include "taskmanager/task/task_builder.h"
#include "taskmanager/task/task_observer.h"
#include "tests/support/manual_executor.h"

namespace weir::taskmanager {

class TestingClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch() + now_; }
  absl::Duration Monotonic() const override { return now_; }
  void Advance(absl::Duration by) { now_ += by; }

 private:
  absl::Duration now_ = absl::Seconds(1);
};

/// A batch of int64 values; with event times, when given, one per value.
inline BatchPtr MakeBatch(const std::vector<int64_t>& values, std::vector<int64_t> times = {},
                          int64_t first_offset = -1) {
  RecordBuilder<int64_t> builder;
  for (const int64_t value : values) builder.Append(value);
  BatchExtras extras;
  if (!times.empty()) extras.event_times = Buffer::FromVector(std::move(times));
  if (first_offset >= 0) {
    auto provenance = std::make_shared<Provenance>();
    provenance->topic = "numbers";
    provenance->partition = 0;
    provenance->first_offset = first_offset;
    extras.provenance = provenance;
  }
  return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
}

inline std::vector<int64_t> ValuesOf(const Batch& batch) {
  std::vector<int64_t> values;
  const RecordReader<int64_t> reader(batch);
  for (size_t i = 0; i < reader.rows(); ++i) values.push_back(reader.View(i));
  return values;
}

/// What a TestingReader has to give: filled by the test, read by the task.
struct ReaderScript {
  struct Item {
    BatchPtr batch;
    size_t split = 0;
  };
  std::deque<Item> items;
  bool end_when_empty = false;
  absl::Status poll_error;

  // What the reader did.
  std::vector<SourceSplit> splits;
  std::vector<int64_t> positions;
  std::vector<std::vector<SourceSplit>> notified;
  std::function<void()> wakeup;
  size_t polls = 0;
  bool destroyed = false;

  void Add(const std::vector<int64_t>& values, size_t split = 0, std::vector<int64_t> times = {}) {
    items.push_back({MakeBatch(values, std::move(times)), split});
  }
};

/// Positions are record counts, as decimal text.
class TestingReader final : public SourceReader {
 public:
  explicit TestingReader(std::shared_ptr<ReaderScript> script) : script_(std::move(script)) {}
  ~TestingReader() override { script_->destroyed = true; }

  void SetWakeup(std::function<void()> wakeup) override { script_->wakeup = std::move(wakeup); }
  absl::Status AddSplits(const std::vector<SourceSplit>& splits) override {
    for (const SourceSplit& split : splits) {
      int64_t position = 0;
      if (!split.position.empty() && !absl::SimpleAtoi(split.position, &position)) {
        return absl::InvalidArgumentError("position " + split.position);
      }
      script_->splits.push_back(split);
      script_->positions.push_back(position);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<ReadResult> Poll() override {
    ++script_->polls;
    if (!script_->poll_error.ok()) return script_->poll_error;
    ReadResult result;
    if (script_->items.empty()) {
      result.next =
          script_->end_when_empty ? ReadResult::Next::kEndOfInput : ReadResult::Next::kWait;
      return result;
    }
    ReaderScript::Item item = script_->items.front();
    script_->items.pop_front();
    script_->positions[item.split] += static_cast<int64_t>(item.batch->num_rows());
    result.next = ReadResult::Next::kMore;
    result.batch = item.batch;
    result.split = item.split;
    return result;
  }
  absl::StatusOr<std::vector<SourceSplit>> Snapshot() override {
    std::vector<SourceSplit> splits = script_->splits;
    for (size_t i = 0; i < splits.size(); ++i) {
      splits[i].position = std::to_string(script_->positions[i]);
    }
    return splits;
  }
  void NotifyCheckpointComplete(const std::vector<SourceSplit>& splits) override {
    script_->notified.push_back(splits);
  }

 private:
  const std::shared_ptr<ReaderScript> script_;
};

/// What a TestingWriter was given, and how it is to behave.
struct WriterScript {
  bool has_room = true;
  size_t room_until = 1'000'000;  // no room from so many written records on
  bool prepare_at_once = true;
  /// As writers do that take acknowledgements of the outside in HasRoom.
  bool prepare_when_asked_for_room = false;
  bool commit_at_once = true;
  absl::Status write_error;

  std::vector<int64_t> written;
  std::vector<std::pair<uint64_t, size_t>> prepared;  // epoch, records written before
  std::map<uint64_t, SinkWriter::PrepareDone> waiting_prepares;
  std::map<uint64_t, SinkWriter::CommitDone> waiting_commits;
  std::vector<uint64_t> commits;
  std::function<void()> wakeup;
  bool opened = false;
  std::string recovered;  // what Open was given
  std::vector<uint64_t> receipts;
  bool destroyed = false;
  std::map<std::string, double> metrics;  // what it counts

  void FinishPrepare(uint64_t epoch) {
    SinkWriter::PrepareDone done = std::move(waiting_prepares.at(epoch));
    waiting_prepares.erase(epoch);
    done(std::vector<std::string>{"transaction-" + std::to_string(epoch)});
  }
};

class TestingSinkMetrics final : public SinkMetrics {
 public:
  explicit TestingSinkMetrics(std::shared_ptr<WriterScript> script) : script_(std::move(script)) {}
  std::map<std::string, double> Read() const override { return script_->metrics; }

 private:
  const std::shared_ptr<WriterScript> script_;
};

class TestingWriter final : public SinkWriter {
 public:
  explicit TestingWriter(std::shared_ptr<WriterScript> script) : script_(std::move(script)) {}
  ~TestingWriter() override { script_->destroyed = true; }
  std::shared_ptr<const SinkMetrics> metrics() const override {
    return std::make_shared<TestingSinkMetrics>(script_);
  }

  void SetWakeup(std::function<void()> wakeup) override { script_->wakeup = std::move(wakeup); }
  absl::Status Open(const std::string& recovered) override {
    script_->opened = true;
    script_->recovered = recovered;
    return absl::OkStatus();
  }
  bool HasRoom() override {
    if (script_->prepare_when_asked_for_room) {
      while (!script_->waiting_prepares.empty()) {
        script_->FinishPrepare(script_->waiting_prepares.begin()->first);
      }
    }
    return script_->has_room && script_->written.size() < script_->room_until;
  }
  absl::Status Write(const BatchPtr& batch) override {
    if (!script_->write_error.ok()) return script_->write_error;
    for (const int64_t value : ValuesOf(*batch)) script_->written.push_back(value);
    return absl::OkStatus();
  }
  void PrepareCommit(Epoch epoch, PrepareDone done) override {
    script_->prepared.emplace_back(epoch.value(), script_->written.size());
    script_->waiting_prepares[epoch.value()] = std::move(done);
    if (script_->prepare_at_once) script_->FinishPrepare(epoch.value());
  }
  void Commit(const CommitPermit& permit, CommitDone done) override {
    script_->commits.push_back(permit.epoch().value());
    if (script_->commit_at_once) {
      done(absl::OkStatus());
    } else {
      script_->waiting_commits[permit.epoch().value()] = std::move(done);
    }
  }

  void OnReceipt(Epoch epoch) override { script_->receipts.push_back(epoch.value()); }

 private:
  const std::shared_ptr<WriterScript> script_;
};

/// Adds up what passes; its state is the sum.
class SummingOperator final : public Operator {
 public:
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    for (const int64_t value : ValuesOf(*batch)) sum_ += value;
    return out.Emit(batch);
  }
  absl::StatusOr<std::string> SnapshotState() override { return std::to_string(sum_); }
  absl::Status RestoreState(const std::string& state) override {
    return absl::SimpleAtoi(state, &sum_) ? absl::OkStatus() : absl::DataLossError("sum " + state);
  }
  absl::Status Finish(Output& out) override { return out.Emit(MakeBatch({sum_})); }

 private:
  int64_t sum_ = 0;
};

/// Runs a function on every batch and passes the batch on.
class CallingOperator final : public Operator {
 public:
  explicit CallingOperator(std::function<absl::Status(const Batch&)> call)
      : call_(std::move(call)) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    const absl::Status status = call_(*batch);
    return status.ok() ? out.Emit(batch) : status;
  }

 private:
  std::function<absl::Status(const Batch&)> call_;
};

/// Remembers the watermarks that passed.
class WatermarkProbe final : public Operator {
 public:
  explicit WatermarkProbe(std::shared_ptr<std::vector<int64_t>> seen) : seen_(std::move(seen)) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override { return out.Emit(batch); }
  absl::Status ProcessWatermark(EventTime watermark, Output& out) override {
    seen_->push_back(watermark.micros());
    return out.EmitWatermark(watermark);
  }

 private:
  const std::shared_ptr<std::vector<int64_t>> seen_;
};

/// The highest event time seen so far is the watermark.
class HighestTimeGenerator final : public BatchWatermarkGenerator {
 public:
  std::optional<EventTime> OnBatch(const Batch& batch) override {
    if (batch.event_times() == nullptr) return std::nullopt;
    for (size_t i = 0; i < batch.num_rows(); ++i) {
      const EventTime time = EventTime::FromMicros(batch.event_times()[i]);
      if (!highest_.has_value() || time > *highest_) highest_ = time;
    }
    return highest_;
  }

 private:
  std::optional<EventTime> highest_;
};

inline std::shared_ptr<WatermarkStrategySpec> HighestTimeStrategy() {
  auto spec = std::make_shared<WatermarkStrategySpec>();
  spec->description = "highest";
  spec->make_generator = [] { return std::make_unique<HighestTimeGenerator>(); };
  return spec;
}

class RecordingObserver final : public TaskObserver {
 public:
  struct Snapshot {
    SubtaskId subtask;
    uint64_t epoch;
    uint64_t attempt;
    absl::StatusOr<TaskSnapshotData> data;
  };

  void OnRunning(SubtaskId) override { ++running; }
  void OnSnapshot(SubtaskId subtask, Epoch epoch, LeaderTerm attempt,
                  absl::StatusOr<TaskSnapshotData> snapshot) override {
    snapshots.push_back({subtask, epoch.value(), attempt.value(), std::move(snapshot)});
  }
  void OnCommitted(SubtaskId, Epoch epoch) override { committed.push_back(epoch.value()); }
  void OnFinished(SubtaskId subtask) override { finished.push_back(subtask); }
  void OnFailed(SubtaskId, const TaskFailure& failure) override { failures.push_back(failure); }

  int running = 0;
  std::vector<Snapshot> snapshots;
  std::vector<uint64_t> committed;
  std::vector<SubtaskId> finished;
  std::vector<TaskFailure> failures;
};

class TestingSource final : public Source {
 public:
  TestingSource(std::shared_ptr<ReaderScript> script, bool bounded)
      : script_(std::move(script)), bounded_(bounded) {}
  std::string type() const override { return "TestingSource"; }
  SchemaPtr schema() const override { return SchemaOf<int64_t>(); }
  bool bounded() const override { return bounded_; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return absl::UnimplementedError("the test assigns the splits itself");
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t, uint32_t) const override {
    return std::make_unique<TestingReader>(script_);
  }

 private:
  const std::shared_ptr<ReaderScript> script_;
  const bool bounded_;
};

class TestingSink final : public Sink {
 public:
  explicit TestingSink(std::shared_ptr<WriterScript> script) : script_(std::move(script)) {}
  std::string type() const override { return "TestingSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kExactlyOnce; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return std::make_unique<TestingWriter>(script_);
  }

 private:
  const std::shared_ptr<WriterScript> script_;
};

/// Gives each batch on so often.
class RepeatingOperator final : public Operator {
 public:
  explicit RepeatingOperator(int times) : times_(times) {}
  absl::Status ProcessBatch(const BatchPtr& batch, Output& out) override {
    for (int i = 0; i < times_; ++i) {
      if (absl::Status status = out.Emit(batch); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

 private:
  const int times_;
};

/// Builds a graph "source -> operators -> sink" and one task that runs all of it.
class TestingPipeline {
 public:
  TestingPipeline() {
    StreamNode& source = AddNode("source", StreamNode::Kind::kSource);
    source.source = std::make_shared<TestingSource>(reader, /*bounded=*/true);
  }

  TestingPipeline& WithWatermarks(WatermarkStrategyPtr strategy) {
    graph.nodes[0].watermarks = std::move(strategy);
    return *this;
  }
  TestingPipeline& Then(const std::string& uid,
                        std::function<std::unique_ptr<Operator>()> make_operator) {
    AddNode(uid, StreamNode::Kind::kTransform).make_operator = std::move(make_operator);
    return *this;
  }
  TestingPipeline& Then(const std::string& uid, std::function<absl::Status(const Batch&)> call) {
    return Then(uid, [call]() -> std::unique_ptr<Operator> {
      return std::make_unique<CallingOperator>(call);
    });
  }
  TestingPipeline& Summing() {
    return Then("sum",
                []() -> std::unique_ptr<Operator> { return std::make_unique<SummingOperator>(); });
  }
  TestingPipeline& Probe() {
    return Then("probe", [seen = watermarks]() -> std::unique_ptr<Operator> {
      return std::make_unique<WatermarkProbe>(seen);
    });
  }

  /// Adds the sink, builds the task and gives it `splits` splits; not started.
  std::shared_ptr<Task> BuildUnstarted(const TaskSnapshotData* restored = nullptr) {
    AddNode("sink", StreamNode::Kind::kSink).sink = std::make_shared<TestingSink>(writer);
    TaskDescription description;
    description.subtask = SubtaskId{VertexId(1), 0};
    description.name = "source -> sink";
    for (const StreamNode& node : graph.nodes) description.operator_uids.push_back(node.uid);
    description.restored = restored;
    return BuildTask(graph, std::move(description), Environment()).value();
  }
  std::shared_ptr<Task> Build(size_t splits = 1) {
    std::shared_ptr<Task> task = BuildUnstarted();
    std::vector<SourceSplit> list;
    for (size_t i = 0; i < splits; ++i)
      list.push_back({"numbers-" + std::to_string(i), "0", {}, false});
    task->Start();
    task->AddSplits(std::move(list));
    return task;
  }

  TaskEnvironment Environment() { return {clock, observer, pool, {}, Generation(1)}; }
  StreamNode& AddNode(const std::string& uid, StreamNode::Kind kind) {
    StreamNode node;
    node.id = graph.nodes.size() + 1;
    node.kind = kind;
    node.uid = node.name = uid;
    if (!graph.nodes.empty()) node.inputs = {{graph.nodes.back().id}};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back();
  }

  TestingClock clock;
  RecordingObserver observer;
  ManualPool pool;
  std::shared_ptr<ReaderScript> reader = std::make_shared<ReaderScript>();
  std::shared_ptr<WriterScript> writer = std::make_shared<WriterScript>();
  std::shared_ptr<std::vector<int64_t>> watermarks = std::make_shared<std::vector<int64_t>>();
  StreamGraph graph;
};

/// Steps until the task neither makes progress nor is done.
inline StepResult RunUntilBlocked(Task& task) {
  for (;;) {
    const StepResult result = task.RunOnce();
    if (result.kind != StepResult::Kind::kProgress) return result;
  }
}

inline Barrier BarrierOf(uint64_t epoch, uint64_t term = 1) {
  return Barrier{Epoch(epoch), LeaderTerm(term), false};
}

}  // namespace weir::taskmanager
