#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/operator/stream_graph.h"

namespace weir {

class TestingGraphSource final : public Source {
 public:
  std::string type() const override { return "KafkaSource"; }
  SchemaPtr schema() const override { return Schema::Make({{"value", DataType::kString, false}}); }
  bool bounded() const override { return false; }
  std::map<std::string, std::string> Describe() const override { return {{"topics", "flights"}}; }
  std::optional<TopicPartitioning> partitioning() const override { return topic; }
  absl::Status Validate() const override { return status; }
  absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const override {
    return absl::UnimplementedError("not for planning");
  }
  absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t, uint32_t) const override {
    return absl::UnimplementedError("not for planning");
  }

  absl::Status status;
  std::optional<TopicPartitioning> topic;
};

class TestingGraphSink final : public Sink {
 public:
  std::string type() const override { return "KafkaSink"; }
  std::map<std::string, std::string> Describe() const override {
    std::map<std::string, std::string> words = {{"topic", "late"}};
    if (!prefix.empty()) words["transactional-id-prefix"] = prefix;
    return words;
  }
  DeliveryGuarantee delivery() const override { return delivery_guarantee; }
  absl::Status Validate(const Schema&) const override { return absl::OkStatus(); }
  absl::StatusOr<std::unique_ptr<SinkWriter>> MakeWriter(const SinkWriterContext&) const override {
    return absl::UnimplementedError("not for planning");
  }

  DeliveryGuarantee delivery_guarantee = DeliveryGuarantee::kAtLeastOnce;
  std::string prefix;
};

/// Builds graphs: each operator reads the one added before, unless told otherwise.
class TestingStreamGraph {
 public:
  TestingStreamGraph() { graph.job_name = "test-job"; }

  StreamNode& Source(const std::string& name) {
    StreamNode& node = Add(name, StreamNode::Kind::kSource, "KafkaSource");
    node.inputs.clear();
    node.source = source;
    node.output_schema = source->schema();
    return node;
  }
  StreamNode& Map(const std::string& name) {
    StreamNode& node = Add(name, StreamNode::Kind::kTransform, "Map");
    node.output_schema = source->schema();
    return node;
  }
  StreamNode& Sink(const std::string& name) {
    StreamNode& node = Add(name, StreamNode::Kind::kSink, "KafkaSink");
    node.sink = sink;
    return node;
  }

  StreamGraph graph;
  std::shared_ptr<TestingGraphSource> source = std::make_shared<TestingGraphSource>();
  std::shared_ptr<TestingGraphSink> sink = std::make_shared<TestingGraphSink>();

 private:
  StreamNode& Add(const std::string& name, StreamNode::Kind kind, const std::string& type) {
    StreamNode node;
    node.id = graph.nodes.size() + 1;
    node.kind = kind;
    node.type = type;
    node.name = node.uid = name;
    node.inputs = {{node.id - 1}};
    graph.nodes.push_back(node);
    return graph.nodes.back();
  }
};

}  // namespace weir
