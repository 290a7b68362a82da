#include "common/graph/fingerprint.h"

#include <gtest/gtest.h>

#include "common/graph/planner.h"
#include "tests/unit/common/graph/testing_stream_graph.h"

namespace weir {
namespace {

proto::JobGraph Plan() {
  TestingStreamGraph job;
  job.Source("flights");
  job.Map("late").configuration = {{"a", "1"}, {"b", "2"}};
  job.Sink("out");
  return PlanJob(job.graph).value();
}

TEST(Fingerprint, IsTheSameForTheSamePlan) {
  EXPECT_EQ(Plan().fingerprint(), FingerprintOf(Plan()));
  EXPECT_EQ(Plan().fingerprint().size(), 64u);
}

TEST(Fingerprint, DoesNotDependOnTheOrderOfTheMap) {
  proto::JobGraph plan = Plan();
  auto& configuration = *plan.mutable_vertices(0)->mutable_operators(1)->mutable_configuration();
  configuration.clear();
  configuration["input"] = "flights";
  configuration["b"] = "2";
  configuration["a"] = "1";
  EXPECT_EQ(FingerprintOf(plan), Plan().fingerprint());
}

TEST(Fingerprint, ChangesWithConfiguration) {
  proto::JobGraph plan = Plan();
  (*plan.mutable_vertices(0)->mutable_operators(1)->mutable_configuration())["a"] = "3";
  EXPECT_NE(FingerprintOf(plan), Plan().fingerprint());
}

TEST(Fingerprint, SeesWhereOneTextEnds) {
  proto::JobGraph one = Plan();
  one.mutable_vertices(0)->mutable_operators(0)->set_uid("ab");
  one.mutable_vertices(0)->mutable_operators(0)->set_name("c");
  proto::JobGraph two = Plan();
  two.mutable_vertices(0)->mutable_operators(0)->set_uid("a");
  two.mutable_vertices(0)->mutable_operators(0)->set_name("bc");
  EXPECT_NE(FingerprintOf(one), FingerprintOf(two));
}

}  // namespace
}  // namespace weir
