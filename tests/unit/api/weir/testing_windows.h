#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/unit/api/weir/keyed_contents.h"
#include "tests/unit/api/weir/on_each_backend.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"
#include "weir/testing/side_output_sink.h"

namespace weir {

/// What goes into the windows under test.
struct Click {
  std::string user;
  int64_t count = 0;
  WEIR_RECORD(Click, user, count)
};

/// What comes out.
struct Clicks {
  std::string user;
  int64_t start = 0;
  int64_t end = 0;
  int64_t count = 0;
  WEIR_RECORD(Clicks, user, start, end, count)
};

struct Sum {
  int64_t value = 0;
  WEIR_RECORD(Sum, value)
};

class SumOfClicks final : public AggregateFunction<Click::View, Sum, int64_t> {
 public:
  void Add(const Click::View& click, Sum& sum) const override { sum.value += click.count; }
  int64_t GetResult(const Sum& sum) const override { return sum.value; }
  void Merge(const Sum& other, Sum& sum) const override { sum.value += other.value; }
};

/// Puts key and window to the sum.
class ClicksOfWindow final : public ProcessWindowFunction<int64_t, Clicks, std::string> {
 public:
  void Process(const std::string& user, WindowContext& context, std::span<const int64_t> sums,
               Collector<Clicks>& out) override {
    out.Collect(
        Clicks{user, context.Window().start_micros(), context.Window().end_micros(), sums[0]});
  }
};

inline const OutputTag<Click>& LateClicks() {
  static const OutputTag<Click> tag("late");
  return tag;
}

/// A pipeline of these windows; the operator's name is "clicks".
template <class Windows>
auto ClicksIn(const Windows& windows, std::chrono::microseconds lateness = {}) {
  return [windows, lateness](const DataStream<Click>& clicks) {
    return clicks.KeyBy(&Click::user)
        .Window(windows)
        .AllowedLateness(lateness)
        .SideOutputLateData(LateClicks())
        .Aggregate(SumOfClicks(), ClicksOfWindow())
        .Name("clicks");
  };
}

using ClicksHarness = testing::OperatorTestHarness<Click, Clicks>;

inline std::string TextOf(const Clicks& clicks) {
  return absl::StrCat(clicks.user, " [", clicks.start, ",", clicks.end, ") ", clicks.count);
}

/// "user [start,end) count"; its event time is the last of the window.
inline std::string TimedTextOf(const testing::OutputRecord<Clicks>& output) {
  const bool on_time = output.event_time_us == output.record.end - 1;
  return absl::StrCat(TextOf(output.record), on_time ? "" : " at another time");
}

/// In the order in which they came out.
inline std::vector<std::string> TakeTexts(ClicksHarness& harness) {
  std::vector<std::string> texts;
  for (const auto& output : harness.TakeOutputs()) texts.push_back(TimedTextOf(output));
  return texts;
}

}  // namespace weir
