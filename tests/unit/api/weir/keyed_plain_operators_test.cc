// Operators without state of keys, on a keyed stream: they are on the subtask of the key.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/graph/planner.h"
#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "tests/unit/api/weir/testing_windows.h"
#include "weir/environment.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using testing::HarnessOptions;
using testing::OperatorTestHarness;

bool IsOdd(const Click::View& click) { return click.count % 2 == 1; }

/// Says in which subtask it is.
class WithSubtask final : public ProcessFunction<Click, std::string> {
 public:
  void Open(FunctionContext& context) override { subtask_ = context.SubtaskIndex(); }
  void ProcessElement(const Click::View& click, Context&, Collector<std::string>& out) override {
    out.Collect(absl::StrCat(std::string(click.user), " in ", subtask_));
  }

 private:
  uint32_t subtask_ = 0;
};

proto::JobGraph PlanOf(const Environment& env) {
  const auto plan = PlanJob(env.Graph());
  EXPECT_TRUE(plan.ok()) << plan.status();
  return plan.ok() ? *plan : proto::JobGraph();
}

TEST(KeyedPlainOperators, ReadTheirRowsByKey) {
  Environment env("job");
  env.SetParallelism(2);
  const auto clicks = env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::None(), "clicks");
  const auto keyed = clicks.KeyBy(&Click::user);
  keyed.Map([](const Click::View& click) { return click.count; })
      .Name("map")
      .SinkTo(TestingSinkOf<int64_t>())
      .Name("counts");
  keyed.Filter(IsOdd).Name("filter").SinkTo(TestingSinkOf<Click>()).Name("odd");
  keyed.FlatMap<Click>([](const Click::View& click, Collector<Click>& out) { out.Collect(click); })
      .Name("flat map")
      .SinkTo(TestingSinkOf<Click>())
      .Name("all");
  keyed.Process(WithSubtask()).Name("process").SinkTo(TestingSinkOf<std::string>()).Name("texts");
  keyed.SinkTo(TestingSinkOf<Click>()).Name("sink");
  const proto::JobGraph plan = PlanOf(env);

  std::vector<std::string> readers;
  for (const proto::JobEdge& edge : plan.edges()) {
    EXPECT_EQ(edge.exchange(), proto::JobEdge::HASH);
    EXPECT_EQ(edge.key(), "user: string");
    readers.push_back(plan.vertices(static_cast<int>(edge.target_vertex()) - 1).name());
  }
  EXPECT_THAT(readers, ElementsAre("map -> counts", "filter -> odd", "flat map -> all",
                                   "process -> texts", "sink"));
}

TEST(KeyedPlainOperators, AreOnTheSubtaskOfTheKey) {
  std::vector<std::string> texts;
  for (uint32_t subtask = 0; subtask < 2; ++subtask) {
    HarnessOptions options;
    options.subtask = subtask;
    options.parallelism = 2;
    OperatorTestHarness harness(
        [](const DataStream<Click>& clicks) {
          return clicks.KeyBy(&Click::user).Process(WithSubtask());
        },
        options);
    harness.PushBatch({{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}});
    ASSERT_EQ(harness.error(), "");
    for (const auto& output : harness.TakeOutputs()) texts.push_back(output.record);
  }
  EXPECT_EQ(texts.size(), 4u) << "each key is in one of them";
}

TEST(KeyedPlainOperators, HaveNoStateInTheSnapshot) {
  OperatorTestHarness harness(
      [](const DataStream<Click>& clicks) { return clicks.KeyBy(&Click::user).Filter(IsOdd); });
  harness.PushBatch({{"a", 1}, {"a", 2}, {"b", 3}});
  EXPECT_EQ(harness.Outputs().size(), 2u);
  const std::optional<std::string> snapshot = harness.Snapshot();
  ASSERT_TRUE(snapshot.has_value()) << harness.error();
  proto::TaskSnapshot parsed;
  ASSERT_TRUE(parsed.ParseFromString(*snapshot));
  EXPECT_EQ(parsed.operators(0).state().size_bytes(), 0u);
}

TEST(KeyedPlainOperators, HaveAnErrorPolicy) {
  OperatorTestHarness harness([](const DataStream<Click>& clicks) {
    return clicks.KeyBy(&Click::user)
        .Map([](const Click::View& click) {
          if (click.count < 0) throw std::runtime_error("negative");
          return click.count;
        })
        .OnError(ErrorPolicy::Skip());
  });
  harness.PushBatch({{"a", 1}, {"a", -1}, {"a", 2}});
  EXPECT_EQ(harness.error(), "");
  EXPECT_EQ(harness.Outputs().size(), 2u);
}

TEST(KeyedPlainOperators, StreamCanBeKeyedAnewAndUnited) {
  Environment env("job");
  const auto clicks = env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::None(), "clicks");
  const auto more = env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::None(), "more");
  clicks.KeyBy(&Click::user)
      .KeyBy(&Click::count)
      .Reduce([](const Click& a, const Click&) { return a; })
      .Name("by count")
      .SinkTo(TestingSinkOf<Click>());
  clicks.KeyBy(&Click::user).Union(more).Filter(IsOdd).Name("both").SinkTo(TestingSinkOf<Click>());
  const proto::JobGraph plan = PlanOf(env);
  std::vector<std::string> edges;
  for (const proto::JobEdge& edge : plan.edges()) {
    edges.push_back(absl::StrCat(edge.source_uid(), " ",
                                 proto::JobEdge::Exchange_Name(edge.exchange()), " ", edge.key()));
  }
  EXPECT_THAT(edges,
              ElementsAre("clicks HASH count: int64", "clicks HASH user: string", "more FORWARD "));
}

}  // namespace
}  // namespace weir
