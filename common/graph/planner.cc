#include "common/graph/planner.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "common/graph/fingerprint.h"
#include "common/graph/partition_alignment.h"
#include "common/operator/dead_letter.h"

namespace weir {
namespace {

constexpr uint32_t kFormatVersion = 1;

absl::Status Invalid(const std::string& message) { return absl::InvalidArgumentError(message); }

class Planner {
 public:
  Planner(const StreamGraph& graph, const PlannerOptions& options)
      : graph_(graph), options_(options) {}

  absl::StatusOr<proto::JobGraph> Plan();

 private:
  absl::Status CheckNames() const;
  absl::Status CheckShape() const;
  absl::Status CheckInputs(const StreamNode& node) const;
  absl::Status CheckParallelism() const;
  absl::Status CheckConnectors() const;
  absl::Status CheckPrefixes() const;
  absl::Status FindAlignments();
  // In one task with its input.
  bool IsChained(const StreamNode& node) const {
    return node.inputs.size() == 1 && node.chain_with_input &&
           ExchangeOf(node.inputs[0], node) == proto::JobEdge::FORWARD;
  }
  // As in Flink: a plain edge between unequal parallelisms deals rows out in turn.
  proto::JobEdge::Exchange ExchangeOf(const StreamInput& input, const StreamNode& reader) const;
  void AddNode(const StreamNode& node, proto::JobGraph& plan);
  void Describe(const StreamNode& node, proto::OperatorDescriptor& descriptor) const;
  static std::string DescribeKey(const KeySelector& key) {
    return absl::StrCat(key.Describe(), ": ", key.KeyType());
  }
  void DescribeKeyingOf(const StreamNode& node, proto::OperatorDescriptor& descriptor,
                        std::map<std::string, std::string>& configuration) const;
  void DescribeWatermarks(const StreamNode& node,
                          std::map<std::string, std::string>& configuration) const;
  static void DescribeErrors(const ErrorPolicySpec& errors,
                             std::map<std::string, std::string>& configuration);

  // What `input` carries.
  const Schema& SchemaOfInput(const StreamInput& input) const {
    const StreamNode& node = NodeOf(input.node);
    return input.side_output.empty() ? *node.output_schema
                                     : *node.side_outputs.at(input.side_output);
  }
  const StreamNode& NodeOf(uint64_t id) const {
    const auto found = nodes_.find(id);
    WEIR_CHECK(found != nodes_.end()) << "stream node " << id << " is read and does not exist";
    return *found->second;
  }
  uint32_t ParallelismOf(const StreamNode& node) const {
    return node.parallelism == 0 ? graph_.default_parallelism : node.parallelism;
  }

  const StreamGraph& graph_;
  const PlannerOptions& options_;
  std::map<uint64_t, const StreamNode*> nodes_;
  std::map<uint64_t, int> vertex_of_;                 // node id -> index in the plan's vertices
  std::map<uint64_t, TopicPartitioning> alignments_;  // by node
};

absl::StatusOr<proto::JobGraph> Planner::Plan() {
  for (const StreamNode& node : graph_.nodes) nodes_[node.id] = &node;
  WEIR_RETURN_IF_ERROR(CheckNames());
  WEIR_RETURN_IF_ERROR(CheckShape());
  WEIR_RETURN_IF_ERROR(CheckParallelism());
  WEIR_RETURN_IF_ERROR(CheckConnectors());
  WEIR_RETURN_IF_ERROR(CheckPrefixes());
  WEIR_RETURN_IF_ERROR(FindAlignments());

  proto::JobGraph plan;
  plan.set_format_version(kFormatVersion);
  plan.set_job_name(graph_.job_name);
  plan.set_max_parallelism(options_.max_parallelism);
  // By id, and an input's id is lower: vertices come out in topological order.
  for (const auto& [id, node] : nodes_) AddNode(*node, plan);
  plan.set_fingerprint(FingerprintOf(plan));
  return plan;
}

absl::Status Planner::CheckNames() const {
  if (graph_.job_name.empty()) return Invalid("the job has no name");
  std::map<std::string, const StreamNode*> uids;
  for (const auto& [id, node] : nodes_) {
    if (node->name.empty()) {
      return Invalid(absl::StrCat("a ", node->type, " (operator ", id, ") has an empty name"));
    }
    if (node->uid.empty()) return Invalid(absl::StrCat("operator '", node->name, "' has no uid"));
    const auto [other, fresh] = uids.emplace(node->uid, node);
    if (fresh) continue;
    return Invalid(absl::StrCat("two operators have the uid '", node->uid, "': a ",
                                other->second->type, " named '", other->second->name, "' and a ",
                                node->type, " named '", node->name,
                                "'; give one of them another with .Uid(...) or .Name(...)"));
  }
  return absl::OkStatus();
}

absl::Status Planner::CheckInputs(const StreamNode& node) const {
  std::set<std::pair<uint64_t, std::string>> read;
  for (const StreamInput& input : node.inputs) {
    // Of a member of the struct that WEIR_RECORD does not list.
    const bool unknown_key =
        (input.key != nullptr && input.key->Describe().empty()) ||
        (input.partition_key != nullptr && input.partition_key->Describe().empty());
    if (unknown_key) {
      return Invalid(absl::StrCat("operator '", node.name,
                                  "': the field that the stream is keyed by is not in the "
                                  "WEIR_RECORD of its rows"));
    }
    if (!input.side_output.empty() && NodeOf(input.node).kind != StreamNode::Kind::kTransform) {
      return Invalid(absl::StrCat("operator '", NodeOf(input.node).name,
                                  "' is a source and has no side output '", input.side_output,
                                  "'"));
    }
    if (read.emplace(input.node, input.side_output).second) continue;
    return Invalid(absl::StrCat("operator '", node.name, "' reads the stream of operator '",
                                NodeOf(input.node).name,
                                "' twice: a stream cannot be united with itself"));
  }
  return absl::OkStatus();
}

absl::Status Planner::CheckShape() const {
  if (graph_.auto_watermark_interval < absl::ZeroDuration()) {
    return Invalid(absl::StrCat("the auto watermark interval must not be negative, and is ",
                                absl::FormatDuration(graph_.auto_watermark_interval)));
  }
  bool has_source = false;
  bool has_sink = false;
  std::set<uint64_t> read;
  for (const auto& [id, node] : nodes_) {
    has_source = has_source || node->kind == StreamNode::Kind::kSource;
    has_sink = has_sink || node->kind == StreamNode::Kind::kSink;
    WEIR_CHECK(node->inputs.empty() == (node->kind == StreamNode::Kind::kSource))
        << "operator " << node->name;
    if (!node->mistake.empty()) {
      return Invalid(absl::StrCat("operator '", node->name, "': ", node->mistake));
    }
    WEIR_RETURN_IF_ERROR(CheckInputs(*node));
    for (const StreamInput& input : node->inputs) {
      WEIR_CHECK(NodeOf(input.node).id < id) << "operator " << node->name << " before its input";
      if (!node->reads_dead_letters) read.insert(input.node);
    }
  }
  if (!has_source) {
    return Invalid(absl::StrCat("job '", graph_.job_name, "' has no source: call FromSource"));
  }
  if (!has_sink) {
    return Invalid(absl::StrCat("job '", graph_.job_name, "' has no sink: call SinkTo"));
  }
  for (const auto& [id, node] : nodes_) {
    if (node->kind == StreamNode::Kind::kSink || read.count(id) > 0) continue;
    return Invalid(absl::StrCat("nothing reads the stream of operator '", node->name,
                                "': end it with SinkTo or leave it out"));
  }
  return absl::OkStatus();
}

absl::Status Planner::CheckParallelism() const {
  for (const auto& [id, node] : nodes_) {
    const uint32_t parallelism = ParallelismOf(*node);
    if (parallelism == 0 || parallelism > options_.max_parallelism) {
      return Invalid(absl::StrCat("the parallelism of operator '", node->name,
                                  "' must be between 1 and ", options_.max_parallelism));
    }
  }
  return absl::OkStatus();
}

// What a connector calls the name that only one sink may have.
constexpr char kPrefixKey[] = "transactional-id-prefix";

absl::Status Planner::CheckPrefixes() const {
  std::map<std::string, const StreamNode*> holders;
  for (const auto& [id, node] : nodes_) {
    if (node->kind != StreamNode::Kind::kSink) continue;
    const std::map<std::string, std::string> configuration = node->sink->Describe();
    const auto prefix = configuration.find(kPrefixKey);
    if (prefix == configuration.end()) continue;
    const auto [other, fresh] = holders.emplace(prefix->second, node);
    if (fresh) continue;
    return Invalid(absl::StrCat("the sinks '", other->second->name, "' and '", node->name,
                                "' have the same transactional id prefix '", prefix->second,
                                "'; each sink needs a prefix of its own"));
  }
  return absl::OkStatus();
}

absl::Status Planner::FindAlignments() {
  for (const auto& [id, node] : nodes_) {
    WEIR_ASSIGN_OR_RETURN(std::optional<TopicPartitioning> topic, AlignmentOf(graph_, *node));
    if (topic.has_value()) alignments_[id] = *std::move(topic);
  }
  return absl::OkStatus();
}

absl::Status Planner::CheckConnectors() const {
  for (const auto& [id, node] : nodes_) {
    absl::Status status;
    if (node->errors.budget_per_minute < 0) {
      return Invalid(absl::StrCat("the error budget of operator '", node->name,
                                  "' must be at least 1 record per minute"));
    }
    if (node->kind == StreamNode::Kind::kSource) status = node->source->Validate();
    if (node->kind == StreamNode::Kind::kSink) {
      status = node->sink->Validate(node->reads_dead_letters ? *SchemaOf<DeadLetter>()
                                                             : SchemaOfInput(node->inputs[0]));
    }
    if (!status.ok()) return Annotate(status, absl::StrCat("operator '", node->name, "'"));
  }
  return absl::OkStatus();
}

proto::JobEdge::Exchange Planner::ExchangeOf(const StreamInput& input,
                                             const StreamNode& reader) const {
  switch (input.exchange) {
    case Exchange::kHash:
      return proto::JobEdge::HASH;
    case Exchange::kRebalance:
      return proto::JobEdge::REBALANCE;
    case Exchange::kBroadcast:
      return proto::JobEdge::BROADCAST;
    case Exchange::kCustom:
      return proto::JobEdge::CUSTOM;
    case Exchange::kForward:
      break;
  }
  const bool equal = ParallelismOf(NodeOf(input.node)) == ParallelismOf(reader);
  return equal ? proto::JobEdge::FORWARD : proto::JobEdge::REBALANCE;
}

void Planner::AddNode(const StreamNode& node, proto::JobGraph& plan) {
  proto::JobVertex* vertex = nullptr;
  if (IsChained(node)) {
    vertex_of_[node.id] = vertex_of_.at(node.inputs[0].node);
    vertex = plan.mutable_vertices(vertex_of_[node.id]);
    vertex->set_name(absl::StrCat(vertex->name(), " -> ", node.name));
  } else {
    vertex_of_[node.id] = plan.vertices_size();
    vertex = plan.add_vertices();
    vertex->set_id(static_cast<uint64_t>(plan.vertices_size()));
    vertex->set_name(node.name);
    vertex->set_parallelism(ParallelismOf(node));
    for (const StreamInput& input : node.inputs) {
      proto::JobEdge* edge = plan.add_edges();
      edge->set_source_vertex(plan.vertices(vertex_of_.at(input.node)).id());
      edge->set_target_vertex(vertex->id());
      edge->set_exchange(ExchangeOf(input, node));
      edge->set_source_uid(NodeOf(input.node).uid);
      edge->set_side_output(input.side_output);
      if (input.key != nullptr) edge->set_key(DescribeKey(*input.key));
    }
  }
  Describe(node, *vertex->add_operators());
}

void Planner::Describe(const StreamNode& node, proto::OperatorDescriptor& descriptor) const {
  descriptor.set_uid(node.uid);
  descriptor.set_name(node.name);
  descriptor.set_type(node.type);
  std::map<std::string, std::string> configuration = node.configuration;
  switch (node.kind) {
    case StreamNode::Kind::kSource:
      descriptor.set_kind(proto::OperatorDescriptor::SOURCE);
      descriptor.set_bounded(node.source->bounded());
      configuration.merge(node.source->Describe());
      break;
    case StreamNode::Kind::kTransform:
      descriptor.set_kind(proto::OperatorDescriptor::TRANSFORM);
      break;
    case StreamNode::Kind::kSink:
      descriptor.set_kind(proto::OperatorDescriptor::SINK);
      descriptor.set_transactional(node.sink->delivery() == DeliveryGuarantee::kExactlyOnce);
      descriptor.set_transaction_timeout_ms(
          absl::ToInt64Milliseconds(node.sink->transaction_timeout()));
      configuration.merge(node.sink->Describe());
      break;
  }
  DescribeWatermarks(node, configuration);
  // The edges between chained operators are not in the plan; where two operators of a vertex read
  // one stream, this says so.
  if (!node.inputs.empty()) {
    std::vector<std::string> uids;
    for (const StreamInput& input : node.inputs) {
      uids.push_back(NodeOf(input.node).uid);
      if (!input.side_output.empty()) {
        absl::StrAppend(&uids.back(), " (side output '", input.side_output, "')");
      }
    }
    configuration["input"] =
        absl::StrCat(absl::StrJoin(uids, ", "), node.reads_dead_letters ? " (dead letters)" : "");
  }
  DescribeKeyingOf(node, descriptor, configuration);
  DescribeErrors(node.errors, configuration);
  if (node.output_schema != nullptr) descriptor.set_output_schema(node.output_schema->ToString());
  for (const auto& [key, value] : configuration) {
    (*descriptor.mutable_configuration())[key] = value;
  }
}

// Keys by hash are in the edge.
void Planner::DescribeKeyingOf(const StreamNode& node, proto::OperatorDescriptor& descriptor,
                               std::map<std::string, std::string>& configuration) const {
  const auto found = alignments_.find(node.id);
  if (found == alignments_.end()) return;
  const TopicPartitioning& topic = found->second;
  proto::PartitionKeying& keying = *descriptor.mutable_partition_keying();
  keying.set_topic(topic.topic);
  keying.set_partitions(topic.partitions);
  keying.set_partitioner(topic.partitioner->name());
  keying.set_key(DescribeKey(*node.inputs[0].key));
  configuration["keying"] =
      absl::StrCat("aligned with topic '", topic.topic, "', ",
                   DescribeKeying(keying.partitions(), keying.partitioner()), " of ", keying.key());
}

// What a restore at another parallelism looks at, too (jobmanager/dispatcher).
void Planner::DescribeWatermarks(const StreamNode& node,
                                 std::map<std::string, std::string>& configuration) const {
  if (node.watermarks == nullptr) return;
  configuration["watermarks"] = node.watermarks->description;
  if (!node.watermarks->periodic) return;
  configuration["watermark-interval"] = graph_.auto_watermark_interval == absl::ZeroDuration()
                                            ? "never"
                                            : absl::FormatDuration(graph_.auto_watermark_interval);
}

// Operators that fail say nothing: it is what every operator does by default.
void Planner::DescribeErrors(const ErrorPolicySpec& errors,
                             std::map<std::string, std::string>& configuration) {
  if (errors.action == ErrorAction::kFail) return;
  configuration["on-error"] = errors.action == ErrorAction::kSkip ? "skip" : "dead-letter";
  if (errors.budget_per_minute > 0) {
    configuration["error-budget"] = absl::StrCat(errors.budget_per_minute, " per minute");
  }
}

}  // namespace

absl::StatusOr<proto::JobGraph> PlanJob(const StreamGraph& graph, const PlannerOptions& options) {
  return Planner(graph, options).Plan();
}

}  // namespace weir
