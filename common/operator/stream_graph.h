#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/operator/error_policy.h"
#include "common/operator/operator.h"
#include "common/operator/partitioning.h"
#include "common/operator/watermark_strategy.h"

namespace weir {

/// One operator as the job author wrote it: who it is, what it reads, and how to make it.
struct StreamNode {
  enum class Kind { kSource, kTransform, kSink };

  uint64_t id = 0;  // rises from 1 in the order of creation
  Kind kind = Kind::kTransform;
  std::string type;  // "KafkaSource", "Map", ...
  std::string name;
  std::string uid;                  // default: the name
  uint32_t parallelism = 0;         // 0: the environment's default
  bool chain_with_input = true;     // false: its own task behind a queue
  std::vector<StreamInput> inputs;  // none of sources, several of unions
  bool reads_dead_letters = false;  // of its input, instead of its stream
  /// Makes each row of one row, and says of which; has no state of keys, whatever it reads.
  bool keeps_positions = false;
  bool takes_error_policy = false;              // rows that its function throws for can be left out
  ErrorPolicySpec errors;                       // kSource, kTransform
  std::shared_ptr<const Schema> output_schema;  // null for sinks
  /// By tag: what its side outputs are read as, or declared to be.
  std::map<std::string, std::shared_ptr<const Schema>> side_outputs;
  std::map<std::string, std::string> configuration;
  /// What the author got wrong about it in a call that cannot return an error, in one sentence; the
  /// planner refuses the job with it. Empty: nothing.
  std::string mistake;

  std::shared_ptr<const Source> source;  // kSource
  /// kSource; also of a kTransform that assigns them in mid-stream, for the plan.
  WatermarkStrategyPtr watermarks;
  std::function<std::unique_ptr<Operator>()> make_operator;  // kTransform
  std::shared_ptr<const Sink> sink;                          // kSink
};

/// The dataflow a build function wrote, in the order it was written; made by weir::Environment,
/// planned by common/graph, instantiated by the worker. Immutable once built; thread-safe then.
struct StreamGraph {
  std::string job_name;
  uint32_t default_parallelism = 1;
  /// How often generators are asked for periodic watermarks; zero: never.
  absl::Duration auto_watermark_interval = kDefaultAutoWatermarkInterval;
  std::vector<StreamNode> nodes;

  /// Is `id` among the inputs?
  static bool Reads(const StreamNode& node, uint64_t id) {
    return std::any_of(node.inputs.begin(), node.inputs.end(),
                       [id](const StreamInput& input) { return input.node == id; });
  }
  const StreamNode* Find(const std::string& uid) const {
    for (const StreamNode& node : nodes) {
      if (node.uid == uid) return &node;
    }
    return nullptr;
  }
};

}  // namespace weir
