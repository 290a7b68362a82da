#include "common/graph/plan_renderer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/graph/planner.h"
#include "tests/unit/common/graph/testing_stream_graph.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

proto::JobGraph Plan() {
  TestingStreamGraph job;
  job.graph.default_parallelism = 2;
  job.Source("flights");
  job.Map("late").chain_with_input = false;
  job.Sink("out");
  proto::JobGraph plan = PlanJob(job.graph).value();
  plan.set_fingerprint("f00d");
  return plan;
}

TEST(PlanRenderer, TextIsATree) {
  EXPECT_EQ(RenderPlanText(Plan()),
            "Job test-job: 3 operators in 2 chains, 4 tasks\n"
            "fingerprint f00d\n"
            "\n"
            "[1] parallelism 2\n"
            "   └─ flights  (KafkaSource, unbounded)\n"
            "         topics = flights\n"
            "         rows: (value string)\n"
            "\n"
            "[2] parallelism 2, reads [1] (forward)\n"
            "   └─ late  (Map)\n"
            "      │  rows: (value string)\n"
            "      └─ out  (KafkaSink)\n"
            "            topic = late\n");
}

TEST(PlanRenderer, ReadersOfSideOutputsAreInTheTree) {
  TestingStreamGraph job;
  job.Source("flights");
  StreamNode& map = job.Map("sort");
  map.side_outputs["late"] = map.output_schema;
  job.Sink("out");
  StreamNode& late = job.Sink("late flights");
  late.inputs = {{2}};
  late.inputs[0].side_output = "late";
  EXPECT_THAT(RenderPlanText(PlanJob(job.graph).value()),
              HasSubstr("         ├─ out  (KafkaSink)\n"
                        "         │     topic = late\n"
                        "         └─ late flights  (KafkaSink)\n"
                        "               input = sort (side output 'late')\n"));
}

TEST(PlanRenderer, JsonHasTheFieldsOfTheProto) {
  const std::string json = RenderPlanJson(Plan());
  EXPECT_THAT(json, HasSubstr("\"job_name\": \"test-job\""));
  EXPECT_THAT(json, HasSubstr("\"parallelism\": 2"));
  EXPECT_THAT(json, HasSubstr("\"topics\": \"flights\""));
  EXPECT_THAT(json, HasSubstr("\"edges\": [\n    {\n      \"source_vertex\": 1,"));
  EXPECT_THAT(json, HasSubstr("\"fingerprint\": \"f00d\"\n}\n"));
}

TEST(PlanRenderer, JsonEscapes) {
  proto::JobGraph plan = Plan();
  plan.set_job_name("a\"b\\c\nd");
  EXPECT_THAT(RenderPlanJson(plan), HasSubstr("\"a\\\"b\\\\c\\u000ad\""));
}

TEST(PlanRenderer, DotHasABoxPerVertex) {
  const std::string dot = RenderPlanDot(Plan());
  EXPECT_THAT(dot, HasSubstr("v1 [label=\"flights (KafkaSource)\\nparallelism 2\"];"));
  EXPECT_THAT(dot, HasSubstr("v1 -> v2 [label=\"forward\"];"));
}

}  // namespace
}  // namespace weir
