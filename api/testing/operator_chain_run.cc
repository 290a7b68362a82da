#include "api/testing/operator_chain_run.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "api/testing/harness_ends.h"
#include "common/base/status_macros.h"
#include "common/graph/planner.h"
#include "taskmanager/task/task_builder.h"

namespace weir::internal {

using taskmanager::BuildTask;
using taskmanager::ChannelElement;
using taskmanager::LocalChannel;
using taskmanager::OperatorSnapshotData;
using taskmanager::StepResult;
using taskmanager::Task;
using taskmanager::TaskDescription;
using taskmanager::TaskEnvironment;
using taskmanager::TaskSnapshotData;

namespace {

// The one try of each checkpoint.
constexpr uint64_t kAttempt = 1;

bool IsOutput(const StreamNode& node) {
  return dynamic_cast<const HarnessOutput*>(node.sink.get()) != nullptr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperatorChainRun>> OperatorChainRun::Build(StreamGraph graph) {
  graph.default_parallelism = 1;
  const auto letters = std::make_shared<std::vector<BatchPtr>>();
  for (StreamNode& node : graph.nodes) {
    node.parallelism = 0;
    if (node.reads_dead_letters) node.sink = std::make_shared<HarnessDeadLetters>(letters);
  }
  std::unique_ptr<OperatorChainRun> run(new OperatorChainRun(std::move(graph), letters));
  WEIR_RETURN_IF_ERROR(run->Cut());
  return run;
}

absl::Status OperatorChainRun::Cut() {
  for (const StreamNode& node : graph_.nodes) {
    if (node.kind != StreamNode::Kind::kSink || node.reads_dead_letters) continue;
    if (!IsOutput(node)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", node.name, "' is a sink: the pipeline under test may not have one"));
    }
    output_uid_ = node.uid;
  }
  WEIR_ASSIGN_OR_RETURN(const proto::JobGraph plan, PlanJob(graph_));
  for (const proto::JobVertex& vertex : plan.vertices()) {
    Vertex cut{vertex.name(), {}};
    for (const proto::OperatorDescriptor& one : vertex.operators()) {
      if (one.kind() == proto::OperatorDescriptor::TRANSFORM || IsForDeadLetters(one.uid())) {
        cut.uids.push_back(one.uid());
      }
    }
    if (!cut.uids.empty()) vertices_.push_back(std::move(cut));
  }
  if (vertices_.empty()) return absl::InvalidArgumentError("the pipeline has no operator");
  return absl::OkStatus();
}

bool OperatorChainRun::IsForDeadLetters(const std::string& uid) const {
  const StreamNode* node = graph_.Find(uid);
  return node != nullptr && node->reads_dead_letters;
}

absl::Status OperatorChainRun::CheckFits(const TaskSnapshotData& snapshot) const {
  std::set<std::string> uids;
  for (const Vertex& vertex : vertices_) {
    for (const std::string& uid : vertex.uids) {
      if (!IsForDeadLetters(uid)) uids.insert(uid);
    }
  }
  for (const OperatorSnapshotData& one : snapshot.operators) {
    if (uids.count(one.uid) > 0 || IsForDeadLetters(one.uid)) continue;
    return absl::FailedPreconditionError(absl::StrCat("the snapshot has an operator '", one.uid,
                                                      "', which the pipeline does not have"));
  }
  for (const std::string& uid : uids) {
    if (snapshot.Find(uid) != nullptr) continue;
    return absl::FailedPreconditionError(
        absl::StrCat("the pipeline has an operator '", uid, "', which the snapshot does not have"));
  }
  return absl::OkStatus();
}

absl::Status OperatorChainRun::Open(const TaskSnapshotData* restored) {
  const TaskEnvironment environment{clock_, *this, pool_, {}, Generation(1)};
  input_ = std::make_shared<LocalChannel>();
  std::shared_ptr<LocalChannel> between = input_;
  for (size_t i = 0; i < vertices_.size(); ++i) {
    const bool last = i + 1 == vertices_.size();
    TaskDescription description;
    description.subtask = {VertexId(i + 1), 0};
    description.name = vertices_[i].name;
    description.operator_uids = vertices_[i].uids;
    description.inputs = {std::exchange(between, std::make_shared<LocalChannel>())};
    const std::string& target = last ? output_uid_ : vertices_[i + 1].uids.front();
    const StreamNode& reader = *graph_.Find(target);
    const StreamNode& source = graph_.nodes[reader.inputs.at(0).node - 1];
    description.outputs.push_back({source.uid, target, {between}});
    description.restored = restored;
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<Task> task,
                          BuildTask(graph_, std::move(description), environment));
    task->Start();
    tasks_.push_back(std::move(task));
  }
  output_ = between;
  return Run();
}

absl::Status OperatorChainRun::Run() {
  for (bool progress = true; progress && !failure_.has_value();) {
    progress = false;
    for (const std::shared_ptr<Task>& task : tasks_) {
      progress |= task->RunOnce().kind == StepResult::Kind::kProgress;
      Drain();
    }
  }
  return failure_.has_value() ? failure_->status : absl::OkStatus();
}

void OperatorChainRun::Drain() {
  while (std::optional<ChannelElement> element = output_->Pop()) {
    if (BatchPtr* batch = std::get_if<BatchPtr>(&*element)) batches_.push_back(std::move(*batch));
    if (const EventTime* watermark = std::get_if<EventTime>(&*element)) {
      watermarks_.push_back(watermark->micros());
    }
  }
}

absl::Status OperatorChainRun::Push(ChannelElement element) {
  WEIR_RETURN_IF_ERROR(input_->Push(std::move(element)));
  return Run();
}

absl::StatusOr<TaskSnapshotData> OperatorChainRun::Snapshot() {
  snapshot_ = TaskSnapshotData();
  WEIR_RETURN_IF_ERROR(Push(taskmanager::Barrier{Epoch(++epoch_), LeaderTerm(kAttempt)}));
  return std::move(snapshot_);
}

void OperatorChainRun::OnSnapshot(SubtaskId, Epoch, LeaderTerm,
                                  absl::StatusOr<TaskSnapshotData> snapshot) {
  if (!snapshot.ok()) {
    snapshot_ = snapshot.status();
  } else if (snapshot_.ok()) {
    for (OperatorSnapshotData& one : snapshot->operators) {
      snapshot_->operators.push_back(std::move(one));
    }
  }
}

std::vector<BatchPtr> OperatorChainRun::TakeBatches() { return std::exchange(batches_, {}); }
std::vector<BatchPtr> OperatorChainRun::TakeDeadLetters() {
  return std::exchange(*dead_letters_, {});
}

}  // namespace weir::internal
