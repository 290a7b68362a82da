#include "weir/environment.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>

#include "common/graph/planner.h"
#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"

namespace weir {
namespace {

TEST(Environment, BuildsTheGraphInOrder) {
  Environment env("numbers");
  env.SetParallelism(3);
  env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::Monotonic(), "input")
      .SetParallelism(2)
      .Filter([](int64_t value) { return value > 0; })
      .Name("positive")
      .Uid("positive-1")
      .Map([](int64_t value) { return std::to_string(value); })
      .SinkTo(TestingSinkOf<std::string>())
      .Name("output");
  const StreamGraph graph = env.Graph();

  ASSERT_EQ(graph.nodes.size(), 4u);
  EXPECT_EQ(graph.job_name, "numbers");
  EXPECT_EQ(graph.default_parallelism, 3u);
  EXPECT_EQ(graph.nodes[0].name, "input");
  EXPECT_EQ(graph.nodes[0].parallelism, 2u);
  EXPECT_EQ(graph.nodes[0].watermarks->description, "monotonic");
  EXPECT_EQ(graph.nodes[1].name, "positive");
  EXPECT_EQ(graph.nodes[1].uid, "positive-1");
  EXPECT_EQ(graph.nodes[1].inputs.at(0).node, 1u);
  EXPECT_EQ(graph.nodes[2].output_schema->ToString(), "(value string)");
  EXPECT_EQ(graph.nodes[3].kind, StreamNode::Kind::kSink);
  EXPECT_EQ(graph.nodes[3].uid, "output");
}

TEST(Environment, OwnGeneratorsAndTheirIntervalAreInThePlan) {
  class Silent final : public WatermarkGenerator<int64_t> {
   public:
    void OnEvent(const int64_t&, Timestamp, WatermarkOutput&) override {}
  };
  const auto own = WatermarkStrategy::ForGenerator([] { return std::make_unique<Silent>(); });
  const auto plan_of = [&](const std::function<void(Environment&)>& change) {
    Environment env("numbers");
    change(env);
    env.FromSource(TestingSourceOf<int64_t>(), own, "input")
        .AssignTimestampsAndWatermarks(WatermarkStrategy::Monotonic())
        .SinkTo(TestingSinkOf<int64_t>());
    const auto plan = PlanJob(env.Graph());
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.ok() ? *plan : proto::JobGraph();
  };
  const proto::JobGraph plan = plan_of([](Environment&) {});
  const auto& source = plan.vertices(0).operators(0).configuration();
  EXPECT_EQ(source.at("watermarks"), "own generator");
  EXPECT_EQ(source.at("watermark-interval"), "200ms");
  const auto& assigned = plan.vertices(0).operators(1);
  EXPECT_EQ(assigned.type(), "TimestampsAndWatermarks");
  EXPECT_EQ(assigned.configuration().at("watermarks"), "monotonic");
  EXPECT_EQ(assigned.configuration().count("watermark-interval"), 0u);
  const proto::JobGraph other =
      plan_of([](Environment& env) { env.SetAutoWatermarkInterval(std::chrono::milliseconds(0)); });
  EXPECT_EQ(other.vertices(0).operators(0).configuration().at("watermark-interval"), "never");
}

TEST(Environment, UnnamedOperatorsGetUniqueNames) {
  Environment env("numbers");
  const auto input = env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "Map");
  const auto add = [](int64_t value) { return value + 1; };
  input.Map(add).Map(add).SinkTo(TestingSinkOf<int64_t>());
  const StreamGraph graph = env.Graph();

  EXPECT_EQ(graph.nodes[1].name, "Map 2");
  EXPECT_EQ(graph.nodes[2].name, "Map 3");
  EXPECT_EQ(graph.nodes[2].uid, "Map 3");
}

TEST(Environment, ChainsAreBrokenWhereAsked) {
  Environment env("numbers");
  const auto add = [](int64_t value) { return value + 1; };
  env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "input")
      .Map(add)
      .StartNewChain()
      .Map(add)
      .Map(add)
      .DisableChaining()
      .SinkTo(TestingSinkOf<int64_t>());
  const StreamGraph graph = env.Graph();

  EXPECT_FALSE(graph.nodes[1].chain_with_input);
  EXPECT_TRUE(graph.nodes[2].chain_with_input);
  EXPECT_FALSE(graph.nodes[3].chain_with_input);
  EXPECT_FALSE(graph.nodes[4].chain_with_input);
}

TEST(Environment, SenselessParallelismIsRefusedByThePlanner) {
  Environment env("numbers");
  env.FromSource(TestingSourceOf<int64_t>(), WatermarkStrategy::None(), "input")
      .SetParallelism(0)
      .SinkTo(TestingSinkOf<int64_t>());
  EXPECT_EQ(std::string(PlanJob(env.Graph()).status().message()),
            "the parallelism of operator 'input' must be between 1 and 1024");
}

}  // namespace
}  // namespace weir
