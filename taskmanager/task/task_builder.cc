#include "taskmanager/task/task_builder.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/graph/key_group_tables.h"
#include "common/graph/partition_alignment.h"
#include "common/types/key_group.h"
#include "state/keyed/heap_keyed_state_backend.h"

namespace weir::taskmanager {
namespace {

// Of a checkpoint against this job's; empty: by hash.
absl::Status CheckKeying(const StreamNode& node, const std::string& then, const std::string& now) {
  if (then == now) return absl::OkStatus();
  const auto text = [](const std::string& keying) {
    return keying.empty() ? std::string("keyed by hash") : absl::StrCat("aligned with ", keying);
  };
  return absl::FailedPreconditionError(absl::StrCat("operator '", node.name, "' is ", text(then),
                                                    " in the checkpoint and ", text(now),
                                                    " in the job"));
}

/// Walks the operators of one vertex and adds their stages to a chain.
class ChainBuilder {
 public:
  ChainBuilder(const StreamGraph& graph, const TaskDescription& description,
               const TaskEnvironment& environment)
      : graph_(graph),
        description_(description),
        environment_(environment),
        chain_(std::make_unique<OperatorChain>()) {}

  absl::Status Build();
  std::unique_ptr<OperatorChain> TakeChain() { return std::move(chain_); }
  std::optional<SourceHead::Options> TakeSource() { return std::move(source_); }

 private:
  absl::Status AddNode(const StreamNode& node, bool first);
  absl::Status AddSource(const StreamNode& node);
  absl::Status AddSink(const StreamNode& node, StageOutput& input);
  absl::Status AddKeyedState(const StreamNode& node, OperatorStage::Options& options) const;
  absl::StatusOr<std::unique_ptr<KeyedStateBackend>> MakeKeyedState(
      const StreamNode& node, KeyedStateBackend::Options options) const;
  std::map<std::string, SchemaPtr> SideOutputsOf(const StreamNode& node) const;
  absl::Status AddRestored(const StreamNode& node, OperatorStage::Options& options) const;
  absl::Status AddChannels(const StreamNode& node);
  std::unique_ptr<RowRouter> RouterOf(const StreamInput& input,
                                      const TaskDescription::Output& output) const;
  absl::StatusOr<StageOutput*> InputOf(const StreamNode& node, bool first);
  RecordErrorHandler::Options ErrorsOf(const StreamNode& node) const {
    const SinkIdentity& job = environment_.sink_identity;
    return {node.errors, job.job_name, job.job.value(), description_.subtask.index};
  }
  bool InVertex(const StreamNode& node) const {
    const auto& uids = description_.operator_uids;
    return std::find(uids.begin(), uids.end(), node.uid) != uids.end();
  }
  absl::Status Mismatch(const std::string& what) const {
    return absl::FailedPreconditionError(absl::StrCat("the plan of task '", description_.name,
                                                      "' does not fit the job's graph: ", what));
  }

  const StreamGraph& graph_;
  const TaskDescription& description_;
  const TaskEnvironment& environment_;
  std::unique_ptr<OperatorChain> chain_;
  std::optional<SourceHead::Options> source_;
  std::map<std::pair<uint64_t, std::string>, StageOutput*> outputs_;  // by node and side output
  std::map<uint64_t, StageOutput*> dead_letters_;                     // by node
};

absl::Status ChainBuilder::Build() {
  if (description_.operator_uids.empty()) return Mismatch("it has no operator");
  bool first = true;
  std::vector<const StreamNode*> nodes;
  for (const std::string& uid : description_.operator_uids) {
    const StreamNode* node = graph_.Find(uid);
    if (node == nullptr) return Mismatch(absl::StrCat("there is no operator '", uid, "'"));
    WEIR_RETURN_IF_ERROR(AddNode(*node, std::exchange(first, false)));
    nodes.push_back(node);
  }
  for (const StreamNode* node : nodes) WEIR_RETURN_IF_ERROR(AddChannels(*node));
  return absl::OkStatus();
}

absl::StatusOr<StageOutput*> ChainBuilder::InputOf(const StreamNode& node, bool first) {
  if (first) {
    if (description_.inputs.empty()) return Mismatch("its first operator has no input channel");
    return &chain_->head();
  }
  StageOutput* output = nullptr;
  if (node.inputs.size() == 1) {
    const StreamInput& input = node.inputs[0];
    const auto letters = dead_letters_.find(input.node);
    const auto rows = outputs_.find({input.node, input.side_output});
    if (node.reads_dead_letters) {
      output = letters == dead_letters_.end() ? nullptr : letters->second;
    } else {
      output = rows == outputs_.end() ? nullptr : rows->second;
    }
  }
  if (output != nullptr) return output;
  return Mismatch(absl::StrCat("the input of operator '", node.uid, "' is not in the task"));
}

absl::Status ChainBuilder::AddNode(const StreamNode& node, bool first) {
  if (node.kind == StreamNode::Kind::kSource) {
    if (!first || !description_.inputs.empty()) {
      return Mismatch(absl::StrCat("source '", node.uid, "' does not come first"));
    }
    return AddSource(node);
  }
  WEIR_ASSIGN_OR_RETURN(StageOutput * input, InputOf(node, first));
  if (node.kind == StreamNode::Kind::kSink) return AddSink(node, *input);
  OperatorStage::Options options;
  options.context = {node.uid, node.name, description_.subtask.index, description_.parallelism};
  options.context.auto_watermark_interval = graph_.auto_watermark_interval;
  options.op = node.make_operator();
  options.errors = ErrorsOf(node);
  options.clock = &environment_.clock;
  WEIR_RETURN_IF_ERROR(AddKeyedState(node, options));
  WEIR_RETURN_IF_ERROR(AddRestored(node, options));
  options.side_outputs = SideOutputsOf(node);
  OperatorStage& stage = chain_->AddOperator(*input, std::move(options));
  outputs_[{node.id, ""}] = &stage.output();
  for (auto& [tag, output] : stage.side_outputs()) outputs_[{node.id, tag}] = &output;
  dead_letters_[node.id] = &stage.dead_letters();
  return absl::OkStatus();
}

absl::Status ChainBuilder::AddRestored(const StreamNode& node,
                                       OperatorStage::Options& options) const {
  const auto parts = description_.operator_states.find(node.uid);
  if (parts != description_.operator_states.end()) options.restored_operator_state = parts->second;
  std::vector<const TaskSnapshotData*> snapshots = description_.restored_others;
  if (description_.restored != nullptr) snapshots.insert(snapshots.begin(), description_.restored);
  for (const TaskSnapshotData* snapshot : snapshots) {
    const OperatorSnapshotData* restored = snapshot->Find(node.uid);
    if (restored == nullptr) continue;
    if (options.keyed_state == nullptr) {
      if (snapshot == description_.restored) options.restored_state = restored->state;
    } else if (!restored->state.empty()) {
      WEIR_RETURN_IF_ERROR(CheckKeying(node, restored->keying, options.keying));
      options.restored_keyed.push_back({restored->state, restored->files});
    }
  }
  return absl::OkStatus();
}

// Those that an operator reads, in this task or another.
std::map<std::string, SchemaPtr> ChainBuilder::SideOutputsOf(const StreamNode& node) const {
  std::map<std::string, SchemaPtr> read;
  for (const StreamNode& reader : graph_.nodes) {
    for (const StreamInput& input : reader.inputs) {
      if (input.node != node.id || input.side_output.empty()) continue;
      read[input.side_output] = node.side_outputs.at(input.side_output);
    }
  }
  return read;
}

// Nothing unless the operator's input is keyed.
absl::Status ChainBuilder::AddKeyedState(const StreamNode& node,
                                         OperatorStage::Options& options) const {
  options.context.max_parallelism = description_.max_parallelism;
  const StreamInput& input = node.inputs.at(0);
  if (input.key == nullptr || node.keeps_positions) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const std::optional<TopicPartitioning> topic, AlignmentOf(graph_, node));
  KeyedStateBackend::Options state;
  state.operator_name = node.name;
  state.max_parallelism = topic ? topic->partitions : description_.max_parallelism;
  state.range = description_.key_groups.empty()
                    ? DefaultKeyGroupRange(description_.subtask.index,
                                           {description_.parallelism, state.max_parallelism})
                    : KeyGroupRangeIn(description_.key_groups, description_.subtask.index);
  if (topic) {
    options.context.max_parallelism = topic->partitions;
    options.keying = DescribeKeying(topic->partitions, topic->partitioner->name());
    options.partition_check =
        std::make_unique<PartitionCheck>(input.partition_key, *topic, state.range);
    state.group_of_key = [key = input.partition_key, topic = *topic](absl::string_view bytes) {
      return key->PartitionOf(bytes, topic);
    };
  }
  WEIR_ASSIGN_OR_RETURN(options.keyed_state, MakeKeyedState(node, std::move(state)));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<KeyedStateBackend>> ChainBuilder::MakeKeyedState(
    const StreamNode& node, KeyedStateBackend::Options options) const {
  const std::string schema = node.inputs[0].key->KeySchema();
  ByteReader bytes(schema);
  if (!StateSchema::ReadFrom(bytes, &options.key_schema)) {
    return absl::InternalError("the schema of the keys cannot be read");
  }
  if (environment_.keyed_state) {
    return environment_.keyed_state(std::move(options), node.uid, description_.subtask);
  }
  return std::make_unique<HeapKeyedStateBackend>(std::move(options), environment_.clock);
}

absl::Status ChainBuilder::AddSink(const StreamNode& node, StageOutput& input) {
  SinkWriterContext context;
  context.identity = environment_.sink_identity;
  context.identity.uid = OperatorUid(node.uid);
  context.generation = environment_.generation;
  context.subtask_index = description_.subtask.index;
  context.parallelism = description_.parallelism;
  context.pool = &environment_.pool;
  WEIR_ASSIGN_OR_RETURN(auto writer, node.sink->MakeWriter(context));
  chain_->AddSink(input, {node.uid, node.name}, std::move(writer));
  return absl::OkStatus();
}

absl::Status ChainBuilder::AddSource(const StreamNode& node) {
  SourceHead::Options options;
  options.identity = {node.uid, node.name};
  options.watermarks = node.watermarks;
  options.watermark_interval = graph_.auto_watermark_interval;
  options.bounded = node.source->bounded();
  options.errors = ErrorsOf(node);
  options.clock = &environment_.clock;
  WEIR_ASSIGN_OR_RETURN(options.reader, node.source->MakeReader(description_.subtask.index,
                                                                description_.parallelism));
  source_ = std::move(options);
  outputs_[{node.id, ""}] = &chain_->head();
  dead_letters_[node.id] = &chain_->head_dead_letters();
  return absl::OkStatus();
}

absl::Status ChainBuilder::AddChannels(const StreamNode& node) {
  for (const StreamNode& reader : graph_.nodes) {
    if (InVertex(reader)) continue;
    for (const StreamInput& input : reader.inputs) {
      if (input.node != node.id) continue;
      const auto found = std::find_if(
          description_.outputs.begin(), description_.outputs.end(), [&](const auto& output) {
            return output.source_uid == node.uid && output.target_uid == reader.uid &&
                   output.side_output == input.side_output;
          });
      if (found == description_.outputs.end() || found->channels.empty()) {
        return Mismatch(absl::StrCat("there is no channel to operator '", reader.uid, "'"));
      }
      chain_->AddChannels(*outputs_.at({node.id, input.side_output}), {node.uid, node.name},
                          {found->channels, RouterOf(input, *found)});
    }
  }
  return absl::OkStatus();
}

std::unique_ptr<RowRouter> ChainBuilder::RouterOf(const StreamInput& input,
                                                  const TaskDescription::Output& output) const {
  const auto count = static_cast<uint32_t>(output.channels.size());
  switch (input.exchange) {
    case Exchange::kHash:
      return MakeHashRouter(input.key,
                            output.key_groups.empty()
                                ? DefaultKeyGroupTable({count, description_.max_parallelism})
                                : output.key_groups);
    case Exchange::kCustom:
      return MakeCustomRouter(input.partitioner, count);
    case Exchange::kBroadcast:
      return nullptr;
    case Exchange::kForward:
    case Exchange::kRebalance:
      break;
  }
  return count == 1 ? nullptr : MakeRebalanceRouter(count, description_.subtask.index);
}

}  // namespace

absl::StatusOr<std::shared_ptr<Task>> BuildTask(const StreamGraph& graph,
                                                TaskDescription description,
                                                const TaskEnvironment& environment) {
  ChainBuilder builder(graph, description, environment);
  WEIR_RETURN_IF_ERROR(builder.Build());
  Task::Options options;
  options.subtask = description.subtask;
  options.name = description.name;
  options.generation = environment.generation;
  options.chain = builder.TakeChain();
  options.source = builder.TakeSource();
  if (description.restored != nullptr) {
    options.input_watermark = description.restored->input_watermark;
  }
  options.inputs = std::move(description.inputs);
  options.clock = &environment.clock;
  options.observer = &environment.observer;
  return std::make_shared<Task>(std::move(options));
}

}  // namespace weir::taskmanager
