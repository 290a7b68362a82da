#include "api/testing/operator_chain_run.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"

#include "api/testing/harness_ends.h"
#include "common/base/status_macros.h"
#include "common/graph/planner.h"
#include "state/operator/frozen_operator_state.h"
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

std::shared_ptr<const std::string> Shared(const std::string& object) {
  return object.empty() ? nullptr : std::make_shared<const std::string>(object);
}

// The operator state of one operator, of all subtasks; none when no subtask has any.
OperatorStateParts PartsOf(const std::vector<TaskSnapshotData>& restored, const std::string& uid) {
  OperatorStateParts parts;
  bool any = false;
  for (const TaskSnapshotData& snapshot : restored) {
    OperatorStatePart& part = parts.emplace_back();
    const OperatorSnapshotData* one = snapshot.Find(uid);
    if (one == nullptr || !one->operator_objects.has_value()) continue;
    any = true;
    part.lists = Shared(one->operator_objects->lists);
    part.union_lists = Shared(one->operator_objects->union_lists);
    part.broadcast = Shared(one->operator_objects->broadcast);
    part.list_sizes = one->operator_objects->list_sizes;
  }
  return any ? parts : OperatorStateParts();
}

}  // namespace

absl::StatusOr<std::unique_ptr<OperatorChainRun>> OperatorChainRun::Build(
    StreamGraph graph, const testing::HarnessOptions& options) {
  graph.default_parallelism = 1;
  const auto letters = std::make_shared<std::vector<BatchPtr>>();
  for (StreamNode& node : graph.nodes) {
    node.parallelism = 0;
    if (options.partitioned_by.has_value() && node.kind == StreamNode::Kind::kSource) {
      node.source = std::make_shared<HarnessInput>(node.output_schema, options.partitioned_by);
    }
    if (node.reads_dead_letters) node.sink = std::make_shared<HarnessKeepingSink>(letters);
  }
  std::unique_ptr<OperatorChainRun> run(new OperatorChainRun(std::move(graph), options, letters));
  WEIR_RETURN_IF_ERROR(run->Cut());
  return run;
}

absl::Status OperatorChainRun::Cut() {
  for (const StreamNode& node : graph_.nodes) {
    if (node.kind != StreamNode::Kind::kSink || IsKept(node.uid)) continue;
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
      if (one.kind() == proto::OperatorDescriptor::TRANSFORM || IsKept(one.uid())) {
        cut.uids.push_back(one.uid());
      }
    }
    if (!cut.uids.empty()) vertices_.push_back(std::move(cut));
  }
  if (vertices_.empty()) return absl::InvalidArgumentError("the pipeline has no operator");
  if (options_.subtask >= options_.parallelism || options_.inputs == 0) {
    return absl::InvalidArgumentError("the harness has no such subtask, or no input");
  }
  if (options_.parallelism > 1 && vertices_.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("only a pipeline that is one task can be one of several subtasks; '",
                     vertices_[1].name, "' begins another"));
  }
  return absl::OkStatus();
}

bool OperatorChainRun::IsKept(const std::string& uid) const {
  const StreamNode* node = graph_.Find(uid);
  return node != nullptr && dynamic_cast<const HarnessKeepingSink*>(node->sink.get()) != nullptr;
}

absl::Status OperatorChainRun::CheckFits(const TaskSnapshotData& snapshot) const {
  std::set<std::string> uids;
  for (const Vertex& vertex : vertices_) {
    for (const std::string& uid : vertex.uids) {
      if (!IsKept(uid)) uids.insert(uid);
    }
  }
  for (const OperatorSnapshotData& one : snapshot.operators) {
    if (uids.count(one.uid) > 0 || IsKept(one.uid)) continue;
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

absl::Status OperatorChainRun::Open(const std::vector<TaskSnapshotData>& restored) {
  const TaskEnvironment environment{clock_, *this,         pool_,
                                    {},     Generation(1), state_.Factory(clock_)};
  std::vector<std::shared_ptr<taskmanager::ChannelInput>> between;
  for (uint32_t i = 0; i < options_.inputs; ++i) {
    between.push_back(inputs_.emplace_back(std::make_shared<LocalChannel>()));
  }
  for (size_t i = 0; i < vertices_.size(); ++i) {
    const bool last = i + 1 == vertices_.size();
    TaskDescription description;
    description.subtask = {VertexId(i + 1), options_.subtask};
    description.parallelism = options_.parallelism;
    description.name = vertices_[i].name;
    description.operator_uids = vertices_[i].uids;
    description.inputs = std::move(between);
    const std::string& target = last ? output_uid_ : vertices_[i + 1].uids.front();
    const StreamNode& reader = *graph_.Find(target);
    const StreamInput& input = reader.inputs.at(0);
    // Any batch fills the last one: it is emptied between two steps.
    output_ = last ? std::make_shared<LocalChannel>(taskmanager::LocalChannelOptions{1, 64u << 20})
                   : std::make_shared<LocalChannel>();
    between = {output_};
    description.outputs.push_back(
        {graph_.nodes[input.node - 1].uid, target, {output_}, input.side_output});
    for (const std::string& uid : vertices_[i].uids) {
      OperatorStateParts parts = PartsOf(restored, uid);
      if (!parts.empty()) description.operator_states[uid] = std::move(parts);
    }
    if (restored.size() == 1) description.restored = &restored[0];
    if (restored.size() > 1) {
      for (const TaskSnapshotData& one : restored) description.restored_others.push_back(&one);
    }
    WEIR_ASSIGN_OR_RETURN(std::shared_ptr<Task> task,
                          BuildTask(graph_, std::move(description), environment));
    task->Start();
    tasks_.push_back(std::move(task));
  }
  return Run();
}

absl::Status OperatorChainRun::Run() {
  for (bool progress = true; progress && !failure_.has_value();) {
    progress = false;
    for (const std::shared_ptr<Task>& task : tasks_) {
      progress |= task->RunOnce().kind == StepResult::Kind::kProgress;
      // Room that this makes is what a task waits for that stopped behind a full output.
      if (!held_) progress |= Drain();
    }
  }
  return failure_.has_value() ? failure_->status : absl::OkStatus();
}

absl::Status OperatorChainRun::HoldOutput(bool held) {
  held_ = held;
  return Run();
}

absl::Status OperatorChainRun::PassOutput() {
  Drain();
  return Run();
}

absl::Status OperatorChainRun::SetProcessingTime(absl::Time now) {
  clock_.Set(now);
  return Run();  // nothing, before they are opened
}

testing::OperatorBooks OperatorChainRun::BooksOf(const std::string& uid) const {
  const auto value = [](const std::atomic<uint64_t>& counter) {
    return counter.load(std::memory_order_relaxed);
  };
  for (const std::shared_ptr<Task>& task : tasks_) {
    for (const taskmanager::OperatorStage* stage : task->chain().operators()) {
      if (stage->identity().uid != uid) continue;
      const taskmanager::OperatorCounters& counters = stage->counters();
      return {value(counters.records_in), value(counters.records_out), value(counters.filtered),
              value(counters.late)};
    }
  }
  return {};
}

bool OperatorChainRun::Drain() {
  bool any = false;
  while (std::optional<ChannelElement> element = output_->Pop()) {
    any = true;
    if (BatchPtr* batch = std::get_if<BatchPtr>(&*element)) batches_.push_back(std::move(*batch));
    if (const EventTime* watermark = std::get_if<EventTime>(&*element)) {
      watermarks_.push_back(watermark->micros());
    }
  }
  return any;
}

absl::StatusOr<BatchPtr> OperatorChainRun::OwnRows(const BatchPtr& batch) const {
  if (options_.parallelism == 1) return batch;
  const StreamNode& first = *graph_.Find(vertices_.front().uids.front());
  if (first.inputs[0].key == nullptr) return batch;  // what is pushed is what it is dealt
  if (first.inputs[0].partition_key != nullptr) {
    const KeyGroupRange own = DefaultKeyGroupRange(
        options_.subtask, {options_.parallelism, options_.partitioned_by->partitions});
    const Provenance* from = batch->provenance().get();
    const bool others = from != nullptr && !own.Contains(static_cast<uint32_t>(from->partition));
    return others ? std::make_shared<const Batch>(batch->Slice(0, 0)) : batch;
  }
  const std::vector<uint32_t> owners =
      DefaultKeyGroupTable({options_.parallelism, kDefaultMaxParallelism});
  std::vector<uint32_t> groups;
  WEIR_RETURN_IF_ERROR(first.inputs[0].key->KeyGroups(*batch, kDefaultMaxParallelism, groups));
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < groups.size(); ++row) {
    if (owners[groups[row]] == options_.subtask) rows.push_back(row);
  }
  return std::make_shared<const Batch>(batch->Take(rows));
}

absl::Status OperatorChainRun::Push(ChannelElement element, uint32_t input) {
  if (BatchPtr* batch = std::get_if<BatchPtr>(&element)) {
    WEIR_ASSIGN_OR_RETURN(*batch, OwnRows(*batch));
    if ((*batch)->num_rows() == 0) return absl::OkStatus();
  }
  if (input >= inputs_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the harness has ", inputs_.size(), " inputs and no input ", input));
  }
  WEIR_RETURN_IF_ERROR(inputs_[input]->Push(std::move(element)));
  return Run();
}

absl::Status OperatorChainRun::PushToAll(const ChannelElement& element) {
  for (const auto& input : inputs_) WEIR_RETURN_IF_ERROR(input->Push(element));
  return Run();
}

absl::StatusOr<TaskSnapshotData> OperatorChainRun::Snapshot() {
  snapshot_ = TaskSnapshotData();
  WEIR_RETURN_IF_ERROR(PushToAll(taskmanager::Barrier{Epoch(++epoch_), LeaderTerm(kAttempt)}));
  return std::move(snapshot_);
}

void OperatorChainRun::OnSnapshot(SubtaskId, Epoch, LeaderTerm,
                                  absl::StatusOr<TaskSnapshotData> snapshot) {
  if (!snapshot.ok()) {
    snapshot_ = snapshot.status();
  } else if (snapshot_.ok()) {
    for (OperatorSnapshotData& one : snapshot->operators) {
      if (one.keyed != nullptr) {
        const absl::Status written = HarnessState::Write(*one.keyed, &one);
        if (!written.ok()) {
          snapshot_ = written;
          return;
        }
        one.keyed = nullptr;
      }
      if (one.operator_state != nullptr) {
        one.operator_objects = one.operator_state->Write();
        one.operator_state = nullptr;
      }
      snapshot_->operators.push_back(std::move(one));
    }
  }
}

std::vector<BatchPtr> OperatorChainRun::TakeBatches() { return std::exchange(batches_, {}); }
std::vector<BatchPtr> OperatorChainRun::TakeDeadLetters() {
  return std::exchange(*dead_letters_, {});
}

}  // namespace weir::internal
