// Sum, Min, Max, MinBy and MaxBy of keyed and windowed streams.
#include "weir/rolling_functions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using std::chrono::microseconds;
using ::testing::ElementsAre;
using testing::OperatorTestHarness;

struct Trade {
  std::string symbol;
  int64_t price = 0;
  int32_t pieces = 0;
  double weight = 0;
  WEIR_RECORD(Trade, symbol, price, pieces, weight)
};
using Harness = OperatorTestHarness<Trade, Trade>;
using Trades = DataStream<Trade>;

/// "A 7 2" each: symbol, price, pieces.
std::vector<std::string> TakeTexts(Harness& harness) {
  EXPECT_EQ(harness.error(), "");
  std::vector<std::string> texts;
  for (const auto& output : harness.TakeOutputs()) {
    const Trade& trade = output.record;
    texts.push_back(absl::StrCat(trade.symbol, " ", trade.price, " ", trade.pieces));
  }
  return texts;
}

const std::vector<Trade>& SomeTrades() {
  static const std::vector<Trade>& trades = *new std::vector<Trade>{
      {"A", 5, 1, 0}, {"A", 3, 2, 0}, {"B", 9, 3, 0}, {"A", 5, 4, 0}, {"A", 3, 5, 0}};
  return trades;
}

std::vector<std::string> Rolling(const Harness::Pipeline& pipeline) {
  Harness harness(pipeline);
  harness.PushBatch(SomeTrades());
  return TakeTexts(harness);
}

TEST(RollingFunctions, SumHasTheFieldsOfTheFirstRow) {
  EXPECT_THAT(
      Rolling([](const Trades& trades) { return trades.KeyBy(&Trade::symbol).Sum(&Trade::price); }),
      ElementsAre("A 5 1", "A 8 1", "B 9 3", "A 13 1", "A 16 1"));
}

TEST(RollingFunctions, MinAndMaxHaveTheFieldsOfTheFirstRow) {
  EXPECT_THAT(
      Rolling([](const Trades& trades) { return trades.KeyBy(&Trade::symbol).Min(&Trade::price); }),
      ElementsAre("A 5 1", "A 3 1", "B 9 3", "A 3 1", "A 3 1"));
  EXPECT_THAT(Rolling([](const Trades& trades) {
                return trades.KeyBy(&Trade::symbol).Max(&Trade::pieces);
              }),
              ElementsAre("A 5 1", "A 5 2", "B 9 3", "A 5 4", "A 5 5"));
}

TEST(RollingFunctions, MinByAndMaxByAreTheFirstRowOfSeveral) {
  EXPECT_THAT(Rolling([](const Trades& trades) {
                return trades.KeyBy(&Trade::symbol).MinBy(&Trade::price);
              }),
              ElementsAre("A 5 1", "A 3 2", "B 9 3", "A 3 2", "A 3 2"));
  EXPECT_THAT(Rolling([](const Trades& trades) {
                return trades.KeyBy(&Trade::symbol).MaxBy(&Trade::price);
              }),
              ElementsAre("A 5 1", "A 5 1", "B 9 3", "A 5 1", "A 5 1"));
}

TEST(RollingFunctions, GoOnFromASnapshot) {
  const auto pipeline = [](const Trades& trades) {
    return trades.KeyBy(&Trade::symbol).Sum(&Trade::price).Name("sum");
  };
  Harness before(pipeline);
  before.Push({"A", 5, 1, 0});
  const auto snapshot = before.Snapshot();
  ASSERT_TRUE(snapshot.has_value()) << before.error();
  Harness after(pipeline);
  ASSERT_TRUE(after.Restore(*snapshot)) << after.error();
  after.Push({"A", 3, 2, 0});
  EXPECT_THAT(TakeTexts(after), ElementsAre("A 8 1"));
}

TEST(RollingFunctions, OfWindows) {
  const auto in_windows = [](const auto& end) {
    Harness harness([&](const Trades& trades) {
      return end(trades.KeyBy(&Trade::symbol).Window(Tumbling(microseconds(10))));
    });
    harness.PushBatch(SomeTrades(), {1, 2, 3, 4, 11});
    harness.PushWatermark(30);
    std::vector<std::string> texts = TakeTexts(harness);
    std::sort(texts.begin(), texts.end());
    return texts;
  };
  EXPECT_THAT(in_windows([](const auto& windows) { return windows.Sum(&Trade::price); }),
              ElementsAre("A 13 1", "A 3 5", "B 9 3"));
  EXPECT_THAT(in_windows([](const auto& windows) { return windows.Min(&Trade::price); }),
              ElementsAre("A 3 1", "A 3 5", "B 9 3"));
  EXPECT_THAT(in_windows([](const auto& windows) { return windows.Max(&Trade::price); }),
              ElementsAre("A 3 5", "A 5 1", "B 9 3"));
  EXPECT_THAT(in_windows([](const auto& windows) { return windows.MinBy(&Trade::price); }),
              ElementsAre("A 3 2", "A 3 5", "B 9 3"));
  EXPECT_THAT(in_windows([](const auto& windows) { return windows.MaxBy(&Trade::pieces); }),
              ElementsAre("A 3 5", "A 5 4", "B 9 3"));
}

TEST(RollingFunctions, IntegersWrapAround) {
  const internal::SumOfField<Trade, int64_t> price{&Trade::price};
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  EXPECT_EQ(price({"A", kMost, 0, 0}, {"A", 1, 0, 0}).price, std::numeric_limits<int64_t>::min());
  const internal::SumOfField<Trade, int32_t> pieces{&Trade::pieces};
  EXPECT_EQ(pieces({"A", 0, std::numeric_limits<int32_t>::min(), 0}, {"A", 0, -1, 0}).pieces,
            std::numeric_limits<int32_t>::max());
}

TEST(RollingFunctions, NotANumberIsAboveEverything) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const internal::MinOfField<Trade, double> lowest{&Trade::weight};
  EXPECT_EQ(lowest({"A", 0, 0, nan}, {"A", 0, 0, 1}).weight, 1);
  EXPECT_EQ(lowest({"A", 0, 0, 1}, {"A", 0, 0, nan}).weight, 1);
  const internal::MaxOfField<Trade, double> highest{&Trade::weight};
  EXPECT_TRUE(highest({"A", 0, 0, 1}, {"A", 0, 0, nan}).weight !=
              highest({"A", 0, 0, 1}, {"A", 0, 0, nan}).weight);
}

}  // namespace
}  // namespace weir
