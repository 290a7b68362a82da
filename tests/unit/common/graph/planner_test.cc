#include "common/graph/planner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/common/graph/testing_stream_graph.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

std::string ErrorOf(const TestingStreamGraph& job) {
  const auto plan = PlanJob(job.graph);
  EXPECT_EQ(plan.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(plan.status().message());
}

TEST(Planner, ChainsWhatHasEqualParallelism) {
  TestingStreamGraph job;
  job.graph.default_parallelism = 4;
  job.Source("flights");
  job.Map("late").parallelism = 4;
  job.Sink("out");
  const auto plan = PlanJob(job.graph);

  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->vertices_size(), 1);
  EXPECT_EQ(plan->vertices(0).id(), 1u);
  EXPECT_EQ(plan->vertices(0).name(), "flights -> late -> out");
  EXPECT_EQ(plan->vertices(0).parallelism(), 4u);
  EXPECT_EQ(plan->vertices(0).operators(2).kind(), proto::OperatorDescriptor::SINK);
  EXPECT_EQ(plan->edges_size(), 0);
  EXPECT_EQ(plan->max_parallelism(), 1024u);
}

TEST(Planner, OperatorThatWantsItsOwnTaskGetsAnEdge) {
  TestingStreamGraph job;
  job.Source("flights");
  job.Map("late").chain_with_input = false;
  job.Sink("out");
  const auto plan = PlanJob(job.graph);

  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->vertices_size(), 2);
  EXPECT_EQ(plan->vertices(1).name(), "late -> out");
  ASSERT_EQ(plan->edges_size(), 1);
  EXPECT_EQ(plan->edges(0).source_vertex(), 1u);
  EXPECT_EQ(plan->edges(0).target_vertex(), 2u);
  EXPECT_EQ(plan->edges(0).exchange(), proto::JobEdge::FORWARD);
}

TEST(Planner, TwoReadersOfOneStreamAreInItsChain) {
  TestingStreamGraph job;
  job.Source("flights");
  job.Sink("one");
  job.Sink("two").inputs = {{1}};
  const auto plan = PlanJob(job.graph);

  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->vertices_size(), 1);
  EXPECT_EQ(plan->vertices(0).operators_size(), 3);
  EXPECT_EQ(plan->vertices(0).operators(2).configuration().at("input"), "flights");
}

TEST(Planner, DescribesConnectors) {
  TestingStreamGraph job;
  job.sink->delivery_guarantee = DeliveryGuarantee::kExactlyOnce;
  job.Source("flights");
  job.Sink("out");
  const auto plan = PlanJob(job.graph);

  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->vertices(0).operators(0).configuration().at("topics"), "flights");
  EXPECT_EQ(plan->vertices(0).operators(0).output_schema(), "(value string)");
  EXPECT_TRUE(plan->vertices(0).operators(1).transactional());
}

TEST(Planner, BetweenUnequalParallelismsRowsAreDealtOutInTurn) {
  TestingStreamGraph job;
  job.Source("flights").parallelism = 4;
  job.Sink("out").parallelism = 2;
  const auto plan = PlanJob(job.graph);
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->vertices_size(), 2);
  EXPECT_EQ(plan->edges(0).exchange(), proto::JobEdge::REBALANCE);
  EXPECT_EQ(plan->edges(0).source_uid(), "flights");
}

TEST(Planner, AStreamOfSeveralStartsAVertexWithAnEdgeForEach) {
  TestingStreamGraph job;
  job.Source("a");
  job.Source("b");
  StreamNode& out = job.Sink("out");
  out.inputs = {{1}, {2, Exchange::kBroadcast}};
  const auto plan = PlanJob(job.graph);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->vertices_size(), 3);
  ASSERT_EQ(plan->edges_size(), 2);
  EXPECT_EQ(plan->edges(0).exchange(), proto::JobEdge::FORWARD);
  EXPECT_EQ(plan->edges(1).exchange(), proto::JobEdge::BROADCAST);
}

TEST(Planner, ParallelismOutOfRangeIsNamed) {
  TestingStreamGraph job;
  job.Source("flights").parallelism = 5000;
  job.Sink("out").parallelism = 5000;
  EXPECT_EQ(ErrorOf(job), "the parallelism of operator 'flights' must be between 1 and 1024");
}

TEST(Planner, NeedsASource) {
  TestingStreamGraph job;
  EXPECT_THAT(ErrorOf(job), HasSubstr("has no source"));
}

TEST(Planner, NeedsASink) {
  TestingStreamGraph job;
  job.Source("flights");
  EXPECT_THAT(ErrorOf(job), HasSubstr("has no sink"));
}

TEST(Planner, StreamThatNobodyReadsIsNamed) {
  TestingStreamGraph job;
  job.Source("flights");
  job.Sink("out");
  job.Map("forgotten").inputs = {{1}};
  EXPECT_THAT(ErrorOf(job), HasSubstr("'forgotten'"));
}

TEST(Planner, UidUsedTwiceNamesBoth) {
  TestingStreamGraph job;
  job.Source("flights");
  job.Map("first").uid = "same";
  job.Sink("second").uid = "same";
  EXPECT_THAT(ErrorOf(job),
              HasSubstr("uid 'same': a Map named 'first' and a KafkaSink named 'second'"));
}

TEST(Planner, EmptyNamesAreRefused) {
  TestingStreamGraph job;
  job.Source("flights");
  job.Sink("");
  EXPECT_THAT(ErrorOf(job), HasSubstr("a KafkaSink (operator 2) has an empty name"));
}

TEST(Planner, JobNeedsAName) {
  TestingStreamGraph job;
  job.graph.job_name.clear();
  EXPECT_EQ(ErrorOf(job), "the job has no name");
}

TEST(Planner, ConnectorErrorsCarryTheOperatorsName) {
  TestingStreamGraph job;
  job.source->status = absl::InvalidArgumentError("no topic is given");
  job.Source("flights");
  job.Sink("out");
  EXPECT_EQ(ErrorOf(job), "operator 'flights': no topic is given");
}

TEST(Planner, AStreamIsNotUnitedWithItself) {
  TestingStreamGraph job;
  job.Source("in");
  StreamNode& out = job.Sink("out");
  out.inputs = {{1}, {1, Exchange::kRebalance}};
  EXPECT_EQ(
      ErrorOf(job),
      "operator 'out' reads the stream of operator 'in' twice: a stream cannot be united with "
      "itself");
}

TEST(Planner, TwoSinksMayNotHaveOneTransactionalIdPrefix) {
  TestingStreamGraph job;
  job.Source("in");
  job.sink->prefix = "same";
  job.Sink("one");
  job.Sink("two").inputs = {{1}};
  EXPECT_EQ(PlanJob(job.graph).status(),
            absl::InvalidArgumentError("the sinks 'one' and 'two' have the same transactional id "
                                       "prefix 'same'; each sink needs a prefix of its own"));
}

}  // namespace
}  // namespace weir
