// What a build function gets wrong is said in one sentence when the job is planned.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/graph/planner.h"
#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "tests/unit/api/weir/testing_windows.h"
#include "weir/environment.h"

namespace weir {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(const std::function<void(const DataStream<Click>&)>& build) {
  Environment env("job");
  build(env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::Monotonic(), "clicks in"));
  return std::string(PlanJob(env.Graph()).status().message());
}

template <class Windows>
std::string ErrorOfWindows(const Windows& windows, std::chrono::microseconds lateness = {}) {
  return ErrorOf([&](const DataStream<Click>& clicks) {
    ClicksIn(windows, lateness)(clicks).SinkTo(TestingSinkOf<Clicks>());
  });
}

TEST(BuildErrors, WindowsOfNoSize) {
  EXPECT_EQ(ErrorOfWindows(Tumbling(seconds(10))), "");
  EXPECT_EQ(ErrorOfWindows(Tumbling(seconds(0))),
            "operator 'clicks': the window size must be above zero, and is 0");
  EXPECT_EQ(ErrorOfWindows(Sliding(seconds(-5), seconds(1))),
            "operator 'clicks': the window size must be above zero, and is -5s");
  EXPECT_EQ(ErrorOfWindows(Sliding(seconds(5), seconds(0))),
            "operator 'clicks': the window slide must be above zero, and is 0");
  EXPECT_EQ(ErrorOfWindows(TumblingProcessingTime(seconds(-1))),
            "operator 'clicks': the window size must be above zero, and is -1s");
  EXPECT_EQ(ErrorOfWindows(Session(seconds(0))),
            "operator 'clicks': the session gap must be above zero, and is 0");
}

TEST(BuildErrors, WindowOffsetBeyondTheSlide) {
  EXPECT_EQ(ErrorOfWindows(Tumbling(seconds(10), seconds(-9))), "");
  EXPECT_EQ(ErrorOfWindows(Tumbling(seconds(10), seconds(-10))),
            "operator 'clicks': the window offset must be smaller than 10s, and is -10s");
}

/// Its rows do not have all that it has.
struct Hit {
  std::string page;
  std::string secret;
  WEIR_RECORD(Hit, page)
};

TEST(BuildErrors, KeyOfAFieldThatIsNotInTheRecord) {
  Environment env("job");
  env.FromSource(TestingSourceOf<Hit>(), WatermarkStrategy::None(), "hits")
      .KeyBy(&Hit::secret)
      .Reduce([](const Hit& a, const Hit&) { return a; })
      .Name("first")
      .SinkTo(TestingSinkOf<Hit>());
  EXPECT_EQ(PlanJob(env.Graph()).status().message(),
            "operator 'first': the field that the stream is keyed by is not in the WEIR_RECORD of "
            "its rows");
}

std::string ErrorOfStrategy(const WatermarkStrategy& strategy) {
  Environment env("job");
  env.FromSource(TestingSourceOf<Hit>(), strategy, "hits").SinkTo(TestingSinkOf<Hit>());
  return std::string(PlanJob(env.Graph()).status().message());
}

TEST(BuildErrors, WatermarkStrategyOfOtherRows) {
  const auto assigner = WatermarkStrategy::None().WithTimestampAssigner(
      [](const Click& click) { return click.count; });
  EXPECT_THAT(ErrorOfStrategy(assigner),
              StartsWith("operator 'hits': the timestamp assigner of its watermark strategy takes "
                         "other rows than its: "));
  class OfClicks final : public WatermarkGenerator<Click> {
   public:
    void OnEvent(const Click::View&, Timestamp, WatermarkOutput&) override {}
  };
  const auto generator = [] { return std::make_unique<OfClicks>(); };
  EXPECT_THAT(
      ErrorOfStrategy(WatermarkStrategy::ForGenerator(generator)),
      StartsWith("operator 'hits': the generator of its watermark strategy takes other rows "
                 "than its: "));
  EXPECT_EQ(ErrorOf([&](const DataStream<Click>& clicks) {
              clicks.AssignTimestampsAndWatermarks(WatermarkStrategy::ForGenerator(generator))
                  .SinkTo(TestingSinkOf<Click>());
            }),
            "");
}

TEST(BuildErrors, WatermarkStrategyOfOtherRowsInMidStream) {
  const auto assigner = WatermarkStrategy::None().WithTimestampAssigner(&Click::count);
  EXPECT_THAT(ErrorOf([&](const DataStream<Click>& clicks) {
                clicks.Map([](const Click::View& click) { return click.user; })
                    .AssignTimestampsAndWatermarks(assigner)
                    .Name("assigned")
                    .SinkTo(TestingSinkOf<std::string>());
              }),
              StartsWith("operator 'assigned': the timestamp assigner of its watermark strategy "
                         "takes other rows than its: "));
}

/// Its time is not in its rows.
struct Visit {
  std::string page;
  int64_t at = 0;
  WEIR_RECORD(Visit, page)
};

TEST(BuildErrors, EventTimesOfAFieldThatIsNotInTheRecord) {
  Environment env("job");
  env.FromSource(TestingSourceOf<Visit>(),
                 WatermarkStrategy::Monotonic().WithTimestampAssigner(&Visit::at), "visits")
      .SinkTo(TestingSinkOf<Visit>());
  EXPECT_EQ(PlanJob(env.Graph()).status().message(),
            "operator 'visits': the field that its event times are taken from is not in the "
            "WEIR_RECORD of its rows");
}

TEST(BuildErrors, WatermarkStrategyWithNumbersThatMakeNoSense) {
  EXPECT_EQ(ErrorOfStrategy(WatermarkStrategy::ForBoundedOutOfOrderness(seconds(-5))),
            "operator 'hits': the bound of its watermark strategy must not be negative, and is "
            "-5s");
  EXPECT_EQ(ErrorOfStrategy(WatermarkStrategy::Monotonic().WithIdleness(seconds(0))),
            "operator 'hits': the time after which its watermark strategy takes a split for idle "
            "must be above zero, and is 0");
}

TEST(BuildErrors, NegativeAutoWatermarkInterval) {
  Environment env("job");
  env.SetAutoWatermarkInterval(seconds(-1));
  env.FromSource(TestingSourceOf<Hit>(), WatermarkStrategy::None(), "hits")
      .SinkTo(TestingSinkOf<Hit>());
  EXPECT_EQ(PlanJob(env.Graph()).status().message(),
            "the auto watermark interval must not be negative, and is -1s");
}

TEST(BuildErrors, RollingFieldThatIsNotInTheRecord) {
  Environment env("job");
  env.FromSource(TestingSourceOf<Visit>(), WatermarkStrategy::None(), "visits")
      .KeyBy(&Visit::page)
      .Max(&Visit::at)
      .Name("latest")
      .SinkTo(TestingSinkOf<Visit>());
  EXPECT_EQ(PlanJob(env.Graph()).status().message(),
            "operator 'latest': the field that Max is of is not in the WEIR_RECORD of its rows");
}

class Passing final : public ProcessFunction<Click, Click> {
 public:
  void ProcessElement(const Click::View& click, Context&, Collector<Click>& out) override {
    out.Collect(click);
  }
};

TEST(BuildErrors, ErrorPolicyOfAnOperatorThatHasNone) {
  const auto first = [](const Click& a, const Click&) { return a; };
  EXPECT_EQ(ErrorOf([&](const DataStream<Click>& clicks) {
              clicks.KeyBy(&Click::user)
                  .Reduce(first)
                  .Name("first")
                  .OnError(ErrorPolicy::Skip())
                  .SinkTo(TestingSinkOf<Click>());
            }),
            "operator 'first': OnError is for sources, Map, Filter and FlatMap: an error of a "
            "Reduce always fails its task");
  EXPECT_THAT(
      ErrorOf([](const DataStream<Click>& clicks) {
        clicks.Process(Passing()).OnError(ErrorPolicy::Skip()).SinkTo(TestingSinkOf<Click>());
      }),
      HasSubstr("an error of a Process always fails its task"));
  EXPECT_THAT(ErrorOf([](const DataStream<Click>& clicks) {
                ClicksIn(Tumbling(seconds(1)))(clicks)
                    .OnError(ErrorPolicy::Skip())
                    .SinkTo(TestingSinkOf<Clicks>());
              }),
              HasSubstr("operator 'clicks': OnError is for sources"));
}

TEST(BuildErrors, ErrorPolicyThatChangesNothingIsNone) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              clicks.Process(Passing()).OnError(ErrorPolicy::Fail()).SinkTo(TestingSinkOf<Click>());
            }),
            "");
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              clicks.KeyBy(&Click::user)
                  .Filter([](const Click::View& click) { return click.count > 0; })
                  .OnError(ErrorPolicy::Skip())
                  .SinkTo(TestingSinkOf<Click>());
            }),
            "");
}

TEST(BuildErrors, NegativeLateness) {
  EXPECT_EQ(ErrorOfWindows(Tumbling(seconds(10)), seconds(-1)),
            "operator 'clicks': the allowed lateness must not be negative, and is -1s");
}

TEST(BuildErrors, NoSink) {
  EXPECT_EQ(
      ErrorOf([](const DataStream<Click>& clicks) { ClicksIn(Tumbling(seconds(1)))(clicks); }),
      "job 'job' has no sink: call SinkTo");
}

TEST(BuildErrors, DuplicateUid) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              ClicksIn(Tumbling(seconds(1)))(clicks).Uid("same").SinkTo(TestingSinkOf<Clicks>());
              ClicksIn(Session(seconds(1)))(clicks).Name("other").Uid("same").SinkTo(
                  TestingSinkOf<Clicks>());
            }),
            "two operators have the uid 'same': a Window named 'clicks' and a Window named "
            "'other'; give one of them another with .Uid(...) or .Name(...)");
}

TEST(BuildErrors, StreamUnitedWithItself) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              clicks.Union(clicks).SinkTo(TestingSinkOf<Click>()).Name("out");
            }),
            "operator 'out' reads the stream of operator 'clicks in' twice: a stream cannot be "
            "united with itself");
}

TEST(BuildErrors, StreamUnitedWithItsSideOutputIsNone) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              const auto sums = clicks.KeyBy(&Click::user)
                                    .Window(Tumbling(seconds(1)))
                                    .SideOutputLateData(LateClicks())
                                    .Reduce([](const Click& a, const Click&) { return a; });
              sums.Union(sums.GetSideOutput(LateClicks())).SinkTo(TestingSinkOf<Click>());
            }),
            "");
}

TEST(BuildErrors, SideOutputOfTwoTypes) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              const auto sums = ClicksIn(Tumbling(seconds(1)))(clicks);
              sums.SinkTo(TestingSinkOf<Clicks>());
              sums.GetSideOutput(OutputTag<int64_t>("late")).SinkTo(TestingSinkOf<int64_t>());
            }),
            "operator 'clicks': side output 'late' is used with two types: "
            "(user string, count int64) and (value int64)");
}

TEST(BuildErrors, SideOutputWithoutAName) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              const auto sums = ClicksIn(Tumbling(seconds(1)))(clicks);
              sums.SinkTo(TestingSinkOf<Clicks>());
              sums.GetSideOutput(OutputTag<int64_t>("")).SinkTo(TestingSinkOf<int64_t>());
            }),
            "operator 'clicks': the tag of a side output has an empty name");
}

TEST(BuildErrors, SideOutputOfASource) {
  EXPECT_EQ(ErrorOf([](const DataStream<Click>& clicks) {
              clicks.GetSideOutput(LateClicks()).SinkTo(TestingSinkOf<Click>());
            }),
            "operator 'clicks in' is a source and has no side output 'late'");
}

TEST(BuildErrors, WindowsAreInThePlan) {
  Environment env("job");
  ClicksIn(Sliding(seconds(60), seconds(10)), seconds(5))(
      env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::Monotonic(), "in"))
      .SinkTo(TestingSinkOf<Clicks>());
  const auto plan = PlanJob(env.Graph());
  ASSERT_TRUE(plan.ok()) << plan.status();
  const auto& configuration = plan->vertices(1).operators(0).configuration();
  EXPECT_EQ(configuration.at("window"), "sliding 1m every 10s");
  EXPECT_EQ(configuration.at("allowed-lateness"), "5s");
  EXPECT_EQ(configuration.at("late-rows"), "side output 'late'");
}

}  // namespace
}  // namespace weir
