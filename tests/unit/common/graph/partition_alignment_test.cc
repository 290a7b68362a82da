#include "common/graph/partition_alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/graph/job_graph.h"
#include "common/graph/plan_renderer.h"
#include "common/graph/planner.h"
#include "tests/unit/common/graph/testing_partition_key.h"
#include "tests/unit/common/graph/testing_stream_graph.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

/// flights (parallelism 2, of 4 partitions) -> clean -> late, which is aligned -> out.
class PartitionAlignmentTest : public ::testing::Test {
 protected:
  PartitionAlignmentTest() {
    job_.graph.default_parallelism = 2;
    job_.source->topic = FlightsTopic();
    job_.Source("flights");
    job_.Map("clean").keeps_positions = true;
    Align(job_.Map("late"));
    job_.Sink("out");
  }
  static void Align(StreamNode& node) {
    node.type = "KeyedProcess";
    node.inputs[0].key = node.inputs[0].partition_key = std::make_shared<TestingPartitionKey>();
  }
  StreamNode& Clean() { return job_.graph.nodes[1]; }
  StreamNode& Late() { return job_.graph.nodes[2]; }
  proto::JobGraph Plan() {
    const auto plan = PlanJob(job_.graph);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return plan.value_or(proto::JobGraph());
  }
  std::string Refusal() {
    const auto plan = PlanJob(job_.graph);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(plan.status().message());
  }

  TestingStreamGraph job_;
};

constexpr char kAdvice[] = ": KeyByPartition is not possible here, KeyBy is";

TEST_F(PartitionAlignmentTest, NothingIsExchanged) {
  const proto::JobGraph plan = Plan();
  ASSERT_EQ(plan.vertices_size(), 1);
  EXPECT_EQ(plan.vertices(0).name(), "flights -> clean -> late -> out");
  EXPECT_EQ(plan.edges_size(), 0);
}

TEST_F(PartitionAlignmentTest, ThePlanFixesPartitionsAndPartitioner) {
  const proto::JobGraph plan = Plan();
  const proto::PartitionKeying& keying = plan.vertices(0).operators(2).partition_keying();
  EXPECT_EQ(keying.topic(), "flights");
  EXPECT_EQ(keying.partitions(), 4u);
  EXPECT_EQ(keying.partitioner(), "first-digit");
  EXPECT_EQ(keying.key(), "origin: string");
  EXPECT_FALSE(plan.vertices(0).operators(1).has_partition_keying());
  EXPECT_EQ(KeyGroupsOf(plan, VertexId(1)), 4u);
  EXPECT_THAT(RenderPlanText(plan), HasSubstr("keying = aligned with topic 'flights', 4 partitions "
                                              "by first-digit of origin: string"));
}

TEST_F(PartitionAlignmentTest, AnotherNumberOfPartitionsIsAnotherPlan) {
  const std::string before = Plan().fingerprint();
  job_.source->topic->partitions = 5;
  EXPECT_NE(Plan().fingerprint(), before);
}

TEST_F(PartitionAlignmentTest, ATaskOfItsOwnIsBehindAForwardEdge) {
  Late().chain_with_input = false;
  const proto::JobGraph plan = Plan();
  ASSERT_EQ(plan.edges_size(), 1);
  EXPECT_EQ(plan.edges(0).exchange(), proto::JobEdge::FORWARD);
  EXPECT_EQ(KeyGroupsOf(plan, VertexId(2)), 4u);
  EXPECT_EQ(KeyGroupsOf(plan, VertexId(1)), plan.max_parallelism());
}

TEST_F(PartitionAlignmentTest, OperatorsByHashHaveNone) {
  Late().inputs[0].partition_key = nullptr;
  Late().inputs[0].exchange = Exchange::kHash;
  EXPECT_EQ(*AlignmentOf(job_.graph, Late()), std::nullopt);
}

TEST_F(PartitionAlignmentTest, StateInBetweenIsRefused) {
  Clean().keeps_positions = false;
  Clean().type = "Window";
  EXPECT_EQ(Refusal(),
            "operator 'late' reads operator 'clean' (Window), whose rows are of no "
            "partition" +
                std::string(kAdvice));
}

TEST_F(PartitionAlignmentTest, AnExchangeInBetweenIsRefused) {
  Late().inputs[0].exchange = Exchange::kRebalance;
  EXPECT_EQ(Refusal(),
            "operator 'late' reads its rows through Rebalance, which takes them out of "
            "the subtask of their partition" +
                std::string(kAdvice));
  Late().inputs[0].exchange = Exchange::kForward;
  Clean().inputs[0].exchange = Exchange::kCustom;
  EXPECT_THAT(Refusal(), HasSubstr("through PartitionCustom (in operator 'clean' before it)"));
}

TEST_F(PartitionAlignmentTest, AUnionIsRefused) {
  job_.graph.nodes.insert(job_.graph.nodes.begin() + 1, job_.graph.nodes[0]);
  job_.graph.nodes[1].name = job_.graph.nodes[1].uid = "more flights";
  for (size_t i = 1; i < job_.graph.nodes.size(); ++i) job_.graph.nodes[i].id = i + 1;
  job_.graph.nodes[2].inputs = {{1}, {2}};
  job_.graph.nodes[3].inputs[0].node = 3;
  job_.graph.nodes[4].inputs[0].node = 4;
  EXPECT_THAT(Refusal(),
              HasSubstr("operator 'late' reads a union (in operator 'clean' before it)"));
}

TEST_F(PartitionAlignmentTest, ASideOutputIsRefused) {
  Clean().side_outputs["odd"] = job_.source->schema();
  Late().inputs[0].side_output = "odd";
  EXPECT_THAT(Refusal(), HasSubstr("operator 'late' reads the side output 'odd', whose rows"));
}

TEST_F(PartitionAlignmentTest, AnotherParallelismIsRefused) {
  job_.graph.nodes[0].parallelism = 1;
  EXPECT_THAT(Refusal(), HasSubstr("operator 'late' has parallelism 2 and operator 'flights' "
                                   "before it 1, where both must be equal"));
}

TEST_F(PartitionAlignmentTest, MoreSubtasksThanPartitionsAreRefused) {
  job_.graph.default_parallelism = 5;
  EXPECT_THAT(Refusal(), HasSubstr("operator 'late' has parallelism 5, and topic 'flights' 4 "
                                   "partitions to be dealt out"));
}

TEST_F(PartitionAlignmentTest, ASourceThatDeclaresNothingIsRefused) {
  job_.source->topic.reset();
  EXPECT_THAT(Refusal(),
              HasSubstr("reads source 'flights', which does not say with PartitionedBy"));
}

}  // namespace
}  // namespace weir
