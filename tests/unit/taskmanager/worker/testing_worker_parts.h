#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "proto/control.pb.h"
#include "tests/unit/taskmanager/task/testing_task_parts.h"

namespace weir::taskmanager {

/// What a TestingEnumerator finds.
struct EnumeratorScript {
  std::vector<std::string> splits = {"numbers-0"};  // each starts at position "0"
  absl::Status error;
  std::deque<absl::Status> first_errors;  // of the next calls, one each; then `error`
  absl::Duration interval = absl::ZeroDuration();
  int calls = 0;
  std::function<void()> on_call;   // in each, before its answer
  std::vector<std::string> known;  // what it was told in the last call
  absl::Status partitioning;       // what CheckPartitioning says
};

/// Split "<name>-<n>" belongs to subtask n modulo the parallelism.
class TestingEnumerator final : public SplitEnumerator {
 public:
  explicit TestingEnumerator(std::shared_ptr<EnumeratorScript> script)
      : script_(std::move(script)) {}
  absl::StatusOr<std::vector<SourceSplit>> DiscoverSplits(
      const std::vector<SourceSplit>& known) override {
    ++script_->calls;
    if (script_->on_call) script_->on_call();
    script_->known.clear();
    for (const SourceSplit& split : known) script_->known.push_back(split.id);
    if (!script_->first_errors.empty()) {
      const absl::Status first = script_->first_errors.front();
      script_->first_errors.pop_front();
      return first;
    }
    if (!script_->error.ok()) return script_->error;
    std::vector<SourceSplit> fresh;
    for (const std::string& id : script_->splits) {
      if (std::count(script_->known.begin(), script_->known.end(), id) > 0) continue;
      fresh.push_back({id, "0", {}, false});
    }
    return fresh;
  }
  uint32_t OwnerOf(const SourceSplit& split, uint32_t parallelism) const override {
    return static_cast<uint32_t>(split.id.back() - '0') % parallelism;
  }
  absl::Duration discovery_interval() const override { return script_->interval; }
  absl::Status CheckPartitioning() override { return script_->partitioning; }

 private:
  const std::shared_ptr<EnumeratorScript> script_;
};

/// TestingSource with an enumerator.
class EnumeratedSource final : public Source {
 public:
  EnumeratedSource(std::shared_ptr<ReaderScript> reader,
                   std::shared_ptr<EnumeratorScript> enumerator)
      : readers_(std::move(reader), /*bounded=*/true), enumerator_(std::move(enumerator)) {}
  std::string type() const override { return "EnumeratedSource"; }
  SchemaPtr schema() const override { return readers_.schema(); }
  bool bounded() const override { return true; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  std::optional<TopicPartitioning> partitioning() const override { return partitions; }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return std::make_unique<TestingEnumerator>(enumerator_);
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t index,
                                                           uint32_t parallelism) const override {
    return readers_.MakeReader(index, parallelism);
  }

  std::optional<TopicPartitioning> partitions;

 private:
  const TestingSource readers_;
  const std::shared_ptr<EnumeratorScript> enumerator_;
};

/// What TestingCommitters committed.
struct CommitterScript {
  std::vector<std::pair<uint64_t, std::vector<std::string>>> committed;  // epoch, committables
  absl::Status error;
  std::optional<SinkRecovery> recovery;  // the last one
  absl::Status target;                   // what CheckTarget of the sink says
  std::deque<absl::Status> targets;      // before that, one a call
  std::vector<std::string> notes;        // likewise
  absl::Status refresh;                  // what Refresh comes to
  std::vector<std::string> refreshed;    // "sink of job j: recovered"
  absl::Status sweep;                    // what Sweep comes to
  int sweeps = 0;
  int releases = 0;
};

class TestingCommitter final : public SinkCommitter {
 public:
  explicit TestingCommitter(std::shared_ptr<CommitterScript> script) : script_(std::move(script)) {}
  absl::StatusOr<std::string> Recover(const SinkRecovery& recovery) override {
    script_->recovery = recovery;
    recovery.on_progress();
    for (const UncommittedEpoch& epoch : recovery.uncommitted) {
      script_->committed.emplace_back(epoch.permit.epoch().value(), epoch.committables);
    }
    if (!script_->error.ok()) return script_->error;
    return "recovered";
  }
  absl::Status Release() override {
    ++script_->releases;
    return absl::OkStatus();
  }
  absl::Status Refresh(const SinkIdentity& identity, const std::string& recovered) override {
    script_->refreshed.push_back(identity.uid.value() + " of job " + identity.job.value() + ": " +
                                 recovered);
    return script_->refresh;
  }
  absl::Status Sweep(const SinkIdentity&, const std::string&) override {
    ++script_->sweeps;
    return script_->sweep;
  }
  std::map<std::string, double> Metrics() const override { return {{"replays", 3}}; }

 private:
  const std::shared_ptr<CommitterScript> script_;
};

/// TestingSink with a committer.
class CommittedSink final : public Sink {
 public:
  CommittedSink(std::shared_ptr<WriterScript> writer, std::shared_ptr<CommitterScript> committer)
      : writers_(std::move(writer)), committer_(std::move(committer)) {}
  std::string type() const override { return "CommittedSink"; }
  std::map<std::string, std::string> Describe() const override { return {}; }
  DeliveryGuarantee delivery() const override { return DeliveryGuarantee::kExactlyOnce; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::vector<std::string>> CheckTarget() const override {
    if (!committer_->targets.empty()) {
      const absl::Status first = committer_->targets.front();
      committer_->targets.pop_front();
      return first;
    }
    if (!committer_->target.ok()) return committer_->target;
    return committer_->notes;
  }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(
      const SinkWriterContext& context) const override {
    return writers_.MakeWriter(context);
  }
  absl::StatusOr<std::unique_ptr<SinkCommitter>> MakeCommitter() const override {
    return std::make_unique<TestingCommitter>(committer_);
  }

 private:
  const TestingSink writers_;
  const std::shared_ptr<CommitterScript> committer_;
};

/// The graph "source -> sum -> sink", as one vertex, with everything in it scripted.
struct TestingJob {
  TestingJob() {
    AddNode("source", StreamNode::Kind::kSource).source = source;
    AddNode("sum", StreamNode::Kind::kTransform).make_operator = []() -> std::unique_ptr<Operator> {
      return std::make_unique<SummingOperator>();
    };
    AddNode("sink", StreamNode::Kind::kSink).sink =
        std::make_shared<CommittedSink>(writer, committer);
    plan.set_fingerprint("fingerprint");
    proto::JobVertex* vertex = plan.add_vertices();
    vertex->set_id(1);
    vertex->set_parallelism(1);
    for (const StreamNode& node : graph.nodes) vertex->add_operators()->set_uid(node.uid);
  }
  StreamNode& AddNode(const std::string& uid, StreamNode::Kind kind) {
    StreamNode node;
    node.id = graph.nodes.size() + 1;
    node.kind = kind;
    node.uid = node.name = uid;
    if (!graph.nodes.empty()) node.inputs = {{graph.nodes.back().id}};
    graph.nodes.push_back(std::move(node));
    return graph.nodes.back();
  }

  std::shared_ptr<ReaderScript> reader = std::make_shared<ReaderScript>();
  std::shared_ptr<EnumeratorScript> enumerator = std::make_shared<EnumeratorScript>();
  std::shared_ptr<EnumeratedSource> source = std::make_shared<EnumeratedSource>(reader, enumerator);
  std::shared_ptr<WriterScript> writer = std::make_shared<WriterScript>();
  std::shared_ptr<CommitterScript> committer = std::make_shared<CommitterScript>();
  StreamGraph graph;
  proto::JobGraph plan;
};

}  // namespace weir::taskmanager
