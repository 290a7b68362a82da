#include "common/graph/partition_alignment.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"

namespace weir {
namespace {

/// Looks at everything between an operator and its source.
class AlignmentWalk {
 public:
  AlignmentWalk(const StreamGraph& graph, const StreamNode& aligned)
      : graph_(graph), aligned_(aligned) {}

  absl::StatusOr<TopicPartitioning> Find() const {
    const StreamNode* at = &aligned_;
    while (true) {
      if (absl::Status status = CheckInput(*at); !status.ok()) return status;
      at = &InputOf(*at);
      if (ParallelismOf(*at) != ParallelismOf(aligned_)) {
        return Refuse(absl::StrCat("has parallelism ", ParallelismOf(aligned_), " and operator '",
                                   at->name, "' before it ", ParallelismOf(*at),
                                   ", where both must be equal"));
      }
      if (at->kind == StreamNode::Kind::kSource) return TopicOf(*at);
      if (at->keeps_positions) continue;
      return Refuse(absl::StrCat("reads operator '", at->name, "' (", at->type,
                                 "), whose rows are of no partition"));
    }
  }

 private:
  absl::Status Refuse(const std::string& why) const {
    return absl::InvalidArgumentError(absl::StrCat("operator '", aligned_.name, "' ", why,
                                                   ": KeyByPartition is not possible here, KeyBy "
                                                   "is"));
  }
  static const char* NameOf(Exchange exchange) {
    switch (exchange) {
      case Exchange::kHash:
        return "KeyBy";
      case Exchange::kRebalance:
        return "Rebalance";
      case Exchange::kBroadcast:
        return "Broadcast";
      case Exchange::kCustom:
        return "PartitionCustom";
      case Exchange::kForward:
        break;
    }
    return "";
  }
  absl::Status CheckInput(const StreamNode& node) const {
    const std::string where =
        &node == &aligned_ ? "" : absl::StrCat(" (in operator '", node.name, "' before it)");
    if (node.inputs.size() != 1) {
      return Refuse(
          absl::StrCat("reads a union", where, ", whose partitions are of several topics"));
    }
    const StreamInput& input = node.inputs[0];
    if (input.exchange != Exchange::kForward) {
      return Refuse(absl::StrCat("reads its rows through ", NameOf(input.exchange), where,
                                 ", which takes them out of the subtask of their partition"));
    }
    if (!input.side_output.empty()) {
      return Refuse(absl::StrCat("reads the side output '", input.side_output, "'", where,
                                 ", whose rows are of no partition"));
    }
    return absl::OkStatus();
  }
  absl::StatusOr<TopicPartitioning> TopicOf(const StreamNode& source) const {
    const std::optional<TopicPartitioning> topic = source.source->partitioning();
    if (!topic.has_value() || topic->partitions == 0 || topic->partitioner == nullptr) {
      return Refuse(absl::StrCat("reads source '", source.name,
                                 "', which does not say with PartitionedBy how its topic is "
                                 "partitioned"));
    }
    if (ParallelismOf(aligned_) > topic->partitions) {
      return Refuse(absl::StrCat("has parallelism ", ParallelismOf(aligned_), ", and topic '",
                                 topic->topic, "' ", topic->partitions,
                                 " partitions to be dealt out"));
    }
    return *topic;
  }
  const StreamNode& InputOf(const StreamNode& node) const {
    const auto found =
        std::find_if(graph_.nodes.begin(), graph_.nodes.end(),
                     [&](const StreamNode& one) { return one.id == node.inputs[0].node; });
    WEIR_CHECK(found != graph_.nodes.end()) << "operator " << node.name << " reads nothing";
    return *found;
  }
  uint32_t ParallelismOf(const StreamNode& node) const {
    return node.parallelism == 0 ? graph_.default_parallelism : node.parallelism;
  }

  const StreamGraph& graph_;
  const StreamNode& aligned_;
};

}  // namespace

absl::StatusOr<std::optional<TopicPartitioning>> AlignmentOf(const StreamGraph& graph,
                                                             const StreamNode& node) {
  const bool aligned =
      std::any_of(node.inputs.begin(), node.inputs.end(),
                  [](const StreamInput& input) { return input.partition_key != nullptr; });
  if (!aligned) return std::nullopt;
  return AlignmentWalk(graph, node).Find();
}

std::string DescribeKeying(uint32_t partitions, const std::string& partitioner) {
  return absl::StrCat(partitions, partitions == 1 ? " partition by " : " partitions by ",
                      partitioner);
}

}  // namespace weir
