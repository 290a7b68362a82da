// What a ProcessFunction may know about time.
#include "weir/process_function.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

#include "weir/environment.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using testing::OperatorTestHarness;

std::string TextOf(std::optional<Timestamp> time) {
  return time.has_value() ? absl::StrCat(time->time_since_epoch().count()) : "none";
}

class Times final : public ProcessFunction<int64_t, std::string> {
 public:
  void ProcessElement(const int64_t&, Context& context, Collector<std::string>& out) override {
    out.Collect(absl::StrCat("of ", TextOf(context.Timestamp()), ", watermark ",
                             TextOf(context.CurrentWatermark()), ", at ",
                             TextOf(context.CurrentProcessingTime())));
  }
};

std::vector<std::string> TakeTexts(OperatorTestHarness<int64_t, std::string>& harness) {
  EXPECT_EQ(harness.error(), "");
  std::vector<std::string> texts;
  for (const auto& output : harness.TakeOutputs()) texts.push_back(output.record);
  return texts;
}

TEST(ProcessFunctionContext, KnowsTheTimesOfElementWatermarkAndMachine) {
  OperatorTestHarness<int64_t, std::string> harness(
      [](const DataStream<int64_t>& numbers) { return numbers.Process(Times()); });
  harness.SetProcessingTime(7'000);
  harness.Push(1);
  harness.Push(2, 30);
  harness.PushWatermark(20);
  harness.SetProcessingTime(8'000);
  harness.PushBatch({3, 4}, {31, 32});
  harness.Push(5);
  EXPECT_THAT(TakeTexts(harness),
              ElementsAre("of none, watermark none, at 7000", "of 30, watermark none, at 7000",
                          "of 31, watermark 20, at 8000", "of 32, watermark 20, at 8000",
                          "of none, watermark 20, at 8000"));
  EXPECT_THAT(harness.Watermarks(), ElementsAre(20)) << "it goes on";
}

}  // namespace
}  // namespace weir
