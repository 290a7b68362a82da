#include "weir/environment.h"

#include <limits>
#include <set>
#include <utility>

#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/operator/stream_graph.h"
#include "weir/timestamps_operator.h"
#include "weir/window_assigners.h"

namespace weir {
namespace internal {
namespace {

/// A parallelism that makes no sense is the job author's mistake: the planner refuses it by name.
uint32_t InRangeOrInvalid(int parallelism) {
  return parallelism >= 1 ? static_cast<uint32_t>(parallelism)
                          : std::numeric_limits<uint32_t>::max();
}

}  // namespace

class GraphBuilder {
 public:
  explicit GraphBuilder(const std::string& job_name) { graph_.job_name = job_name; }

  StreamNode& Add(StreamNode::Kind kind, const std::string& type) {
    StreamNode& node = graph_.nodes.emplace_back();
    node.id = graph_.nodes.size();
    node.kind = kind;
    node.type = type;
    return node;
  }
  StreamNode& Node(uint64_t id) {
    WEIR_CHECK(id >= 1 && id <= graph_.nodes.size()) << "stream node " << id;
    return graph_.nodes[id - 1];
  }
  void Reads(StreamNode& node, std::vector<StreamInput> inputs) {
    for (const StreamInput& input : inputs) {
      if (unchained_.count(input.node) > 0) node.chain_with_input = false;
    }
    node.inputs = std::move(inputs);
  }
  void DisableChaining(uint64_t id) {
    Node(id).chain_with_input = false;
    unchained_.insert(id);
    for (StreamNode& node : graph_.nodes) {
      if (StreamGraph::Reads(node, id)) node.chain_with_input = false;
    }
  }
  void SetName(uint64_t id, const std::string& name) {
    Node(id).name = name;
    named_.insert(id);
  }
  void SetUid(uint64_t id, const std::string& uid) {
    Node(id).uid = uid;
    identified_.insert(id);
  }
  void SetDefaultParallelism(uint32_t parallelism) { graph_.default_parallelism = parallelism; }

  void SetAutoWatermarkInterval(absl::Duration interval) {
    graph_.auto_watermark_interval = interval;
  }
  void SetErrorPolicy(uint64_t id, ErrorPolicySpec errors);
  /// What is wrong about the strategy is the operator's mistake.
  void SetWatermarks(uint64_t id, const WatermarkStrategyPtr& strategy);
  void SetMistake(uint64_t id, const std::string& mistake) {
    std::string& first = Node(id).mistake;
    if (first.empty()) first = mistake;
  }

  StreamGraph Finish() const;

 private:
  void CheckReads(StreamNode& node, const char* what, const SchemaPtr& rows);
  static void AddDeadLetterSinks(StreamGraph& graph);

  StreamGraph graph_;
  std::set<uint64_t> named_;
  std::set<uint64_t> identified_;
  std::set<uint64_t> unchained_;  // their readers start a chain
};

void GraphBuilder::SetErrorPolicy(uint64_t id, ErrorPolicySpec errors) {
  StreamNode& node = Node(id);
  if (errors.action != ErrorAction::kFail && !node.takes_error_policy) {
    return SetMistake(id, "OnError is for sources, Map, Filter and FlatMap: an error of a " +
                              node.type + " always fails its task");
  }
  node.errors = std::move(errors);
}

void GraphBuilder::SetWatermarks(uint64_t id, const WatermarkStrategyPtr& strategy) {
  StreamNode& node = Node(id);
  node.watermarks = strategy;
  if (!strategy->mistake.empty()) SetMistake(id, strategy->mistake);
  CheckReads(node, "the timestamp assigner", strategy->assigner_rows);
  CheckReads(node, "the generator", strategy->generator_rows);
}

void GraphBuilder::CheckReads(StreamNode& node, const char* what, const SchemaPtr& rows) {
  if (rows == nullptr) return;
  const absl::Status fits = CheckRecordSchema(*node.output_schema, *rows);
  if (fits.ok()) return;
  SetMistake(node.id, std::string(what) + " of its watermark strategy takes other rows than its: " +
                          std::string(fits.message()));
}

StreamGraph GraphBuilder::Finish() const {
  StreamGraph graph = graph_;
  std::set<std::string> taken;
  for (const StreamNode& node : graph.nodes) taken.insert(node.name);
  for (StreamNode& node : graph.nodes) {
    if (named_.count(node.id) == 0) {
      node.name = node.type;
      for (int number = 2; !taken.insert(node.name).second; ++number) {
        node.name = node.type + " " + std::to_string(number);
      }
    }
    if (identified_.count(node.id) == 0) node.uid = node.name;
  }
  AddDeadLetterSinks(graph);
  return graph;
}

// One for each operator that wants it, in the operator's own tasks.
void GraphBuilder::AddDeadLetterSinks(StreamGraph& graph) {
  DeliveryGuarantee guarantee = DeliveryGuarantee::kAtLeastOnce;
  for (const StreamNode& node : graph.nodes) {
    if (node.sink != nullptr && node.sink->delivery() == DeliveryGuarantee::kExactlyOnce) {
      guarantee = DeliveryGuarantee::kExactlyOnce;
    }
  }
  const size_t written = graph.nodes.size();
  for (size_t i = 0; i < written; ++i) {
    const StreamNode& origin = graph.nodes[i];
    if (origin.errors.action != ErrorAction::kDeadLetter) continue;
    StreamNode sink;
    sink.id = graph.nodes.size() + 1;
    sink.kind = StreamNode::Kind::kSink;
    sink.sink = origin.errors.make_dead_letter_sink(guarantee);
    sink.type = sink.sink->type();
    sink.name = origin.name + " dead letters";
    sink.uid = origin.uid + "-dead-letters";
    sink.parallelism = origin.parallelism;
    sink.inputs = {{origin.id}};
    sink.reads_dead_letters = true;
    graph.nodes.push_back(std::move(sink));
  }
}

void NodeHandle::SetName(const std::string& name) const { graph->SetName(node, name); }
void NodeHandle::SetUid(const std::string& uid) const { graph->SetUid(node, uid); }
void NodeHandle::SetErrorPolicy(const ErrorPolicy& policy) const {
  graph->SetErrorPolicy(node, *policy.spec());
}
void NodeHandle::SetParallelism(int parallelism) const {
  graph->Node(node).parallelism = InRangeOrInvalid(parallelism);
}
void NodeHandle::StartNewChain() const { graph->Node(node).chain_with_input = false; }
void NodeHandle::DisableChaining() const { graph->DisableChaining(node); }

void NodeHandle::Configure(const std::string& key, const std::string& value) const {
  graph->Node(node).configuration[key] = value;
}
void NodeHandle::SetMistake(const std::string& mistake) const { graph->SetMistake(node, mistake); }
void NodeHandle::DeclareSideOutput(const std::string& tag, const SchemaPtr& schema) const {
  if (tag.empty()) return SetMistake("the tag of a side output has an empty name");
  const auto [declared, fresh] = graph->Node(node).side_outputs.emplace(tag, schema);
  if (fresh || *declared->second == *schema) return;
  SetMistake("side output '" + tag + "' is used with two types: " + declared->second->ToString() +
             " and " + schema->ToString());
}

void DescribeField(const NodeHandle& node, const std::string& what, const std::string& field) {
  if (field.empty()) {
    node.SetMistake("the field that " + what + " is of is not in the WEIR_RECORD of its rows");
  }
  node.Configure("aggregate", what + " of " + field);
}

void DescribeWindows(const NodeHandle& node, const WindowSpec& spec, const SchemaPtr& rows) {
  const std::string mistake = spec.Mistake();
  if (!mistake.empty()) node.SetMistake(mistake);
  node.Configure("window", spec.Describe());
  if (spec.lateness_micros > 0) {
    node.Configure("allowed-lateness",
                   absl::FormatDuration(absl::Microseconds(spec.lateness_micros)));
  }
  if (spec.late_tag.empty()) return;
  node.Configure("late-rows", "side output '" + spec.late_tag + "'");
  node.DeclareSideOutput(spec.late_tag, rows);
}

NodeHandle StreamEnds::AddTransform(const std::string& type, SchemaPtr output,
                                    OperatorFactory make) const {
  StreamNode& added = graph->Add(StreamNode::Kind::kTransform, type);
  graph->Reads(added, inputs);
  added.output_schema = std::move(output);
  added.make_operator = std::move(make);
  return NodeHandle{graph, added.id};
}

NodeHandle StreamEnds::AddRowwise(const std::string& type, SchemaPtr output,
                                  OperatorFactory make) const {
  const NodeHandle added = AddTransform(type, std::move(output), std::move(make));
  graph->Node(added.node).keeps_positions = true;
  return added;
}

NodeHandle StreamEnds::AddFunction(const std::string& type, SchemaPtr output,
                                   OperatorFactory make) const {
  const NodeHandle added = AddRowwise(type, std::move(output), std::move(make));
  graph->Node(added.node).takes_error_policy = true;
  return added;
}

NodeHandle StreamEnds::AddTimestamps(const WatermarkStrategy& strategy, SchemaPtr rows) const {
  const NodeHandle added =
      AddRowwise("TimestampsAndWatermarks", std::move(rows),
                 [spec = strategy.spec()]() -> std::unique_ptr<Operator> {
                   return std::make_unique<TimestampsAndWatermarksOperator>(spec);
                 });
  graph->SetWatermarks(added.node, strategy.spec());
  return added;
}

NodeHandle StreamEnds::AddSink(std::shared_ptr<const Sink> sink) const {
  StreamNode& added = graph->Add(StreamNode::Kind::kSink, sink->type());
  graph->Reads(added, inputs);
  added.sink = std::move(sink);
  return NodeHandle{graph, added.id};
}

StreamEnds StreamEnds::With(StreamInput exchange) const {
  StreamEnds ends = *this;
  for (StreamInput& input : ends.inputs) {
    exchange.node = input.node;
    exchange.side_output = input.side_output;
    input = exchange;
  }
  return ends;
}

// Whether it can be is seen when the job is planned.
StreamEnds StreamEnds::AlignedBy(const std::shared_ptr<const PartitionKeySelector>& key) const {
  StreamEnds ends = *this;
  for (StreamInput& input : ends.inputs) {
    input.key = key;
    input.partition_key = key;
  }
  return ends;
}

StreamEnds StreamEnds::And(const StreamEnds& other) const {
  StreamEnds ends = *this;
  ends.inputs.insert(ends.inputs.end(), other.inputs.begin(), other.inputs.end());
  return ends;
}

}  // namespace internal

Environment::Environment(const std::string& job_name)
    : graph_(std::make_shared<internal::GraphBuilder>(job_name)) {}

Environment& Environment::SetParallelism(int parallelism) {
  graph_->SetDefaultParallelism(internal::InRangeOrInvalid(parallelism));
  return *this;
}

Environment& Environment::SetAutoWatermarkInterval(std::chrono::microseconds interval) {
  graph_->SetAutoWatermarkInterval(absl::FromChrono(interval));
  return *this;
}

internal::NodeHandle Environment::AddSource(std::shared_ptr<const Source> source,
                                            const WatermarkStrategy& watermarks,
                                            const std::string& name) {
  StreamNode& added = graph_->Add(StreamNode::Kind::kSource, source->type());
  added.output_schema = source->schema();
  added.source = std::move(source);
  added.takes_error_policy = true;
  graph_->SetName(added.id, name);
  graph_->SetWatermarks(added.id, watermarks.spec());
  return internal::NodeHandle{graph_, added.id};
}

StreamGraph Environment::Graph() const { return graph_->Finish(); }

}  // namespace weir
