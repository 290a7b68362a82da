#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/graph/planner.h"
#include "common/operator/stream_graph.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "weir/environment.h"
#include "weir/keyed_stream.h"
#include "weir/testing/operator_test_harness.h"
#include "weir/testing/side_output_sink.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OperatorTestHarness;
using testing::SideOutputSink;
using ::testing::UnorderedElementsAre;

struct Word {
  std::string text;
  int64_t length = 0;
  WEIR_RECORD(Word, text, length)
};

const OutputTag<std::string>& LongWords() {
  static const OutputTag<std::string> tag("long");
  return tag;
}
const OutputTag<Word>& OddWords() {
  static const OutputTag<Word> tag("odd");
  return tag;
}

class Sort final : public ProcessFunction<std::string, int64_t> {
 public:
  void ProcessElement(const std::string_view& word, Context& context,
                      Collector<int64_t>& out) override {
    const auto length = static_cast<int64_t>(word.size());
    if (length > 5) context.Output(LongWords(), word);
    if (length % 2 == 1) context.Output(OddWords(), Word{std::string(word), length});
    out.Collect(length);
  }
};

TEST(SideOutput, OfAProcessFunction) {
  SideOutputSink<std::string> longs;
  SideOutputSink<Word> odds;
  OperatorTestHarness<std::string, int64_t> harness([&](const DataStream<std::string>& words) {
    const auto lengths = words.Process(Sort());
    lengths.GetSideOutput(LongWords()).SinkTo(longs.sink());
    lengths.GetSideOutput(OddWords()).SinkTo(odds.sink());
    return lengths;
  });
  harness.PushBatch({"a", "evenly", "abcdefg"}, {1, 2, 3}, {{"words", 0, 7}});
  EXPECT_EQ(harness.error(), "");
  EXPECT_EQ(harness.Outputs().size(), 3u);
  EXPECT_EQ(harness.Outputs().at(1).event_time_us, 2);
  EXPECT_EQ(harness.Outputs().at(1).position->offset, 8) << "positions go with the rows";
  EXPECT_THAT(longs.records(), ElementsAre("evenly", "abcdefg"));
  ASSERT_EQ(odds.records().size(), 2u);
  EXPECT_EQ(odds.records()[1].text, "abcdefg");
}

TEST(SideOutput, NobodyReadsIt) {
  OperatorTestHarness<std::string, int64_t> harness(
      [](const DataStream<std::string>& words) { return words.Process(Sort()); });
  harness.PushBatch({"a", "evenly"});
  EXPECT_EQ(harness.error(), "");
  EXPECT_EQ(harness.Outputs().size(), 2u);
}

TEST(SideOutput, OperatorsChainToIt) {
  OperatorTestHarness<std::string, std::string> harness([](const DataStream<std::string>& words) {
    return words.Process(Sort()).GetSideOutput(LongWords()).Map([](std::string_view word) {
      return std::string(word) + "!";
    });
  });
  harness.PushBatch({"a", "evenly"}, {1, 2});
  harness.PushWatermark(5);
  EXPECT_EQ(harness.error(), "");
  ASSERT_EQ(harness.Outputs().size(), 1u);
  EXPECT_EQ(harness.Outputs()[0].record, "evenly!");
  EXPECT_EQ(harness.Outputs()[0].event_time_us, 2);
  EXPECT_THAT(harness.Watermarks(), ElementsAre(5));
}

TEST(SideOutput, GoesIntoAnotherTask) {
  OperatorTestHarness<std::string, std::string> harness([](const DataStream<std::string>& words) {
    return words.Process(Sort())
        .GetSideOutput(LongWords())
        .KeyBy([](std::string_view word) { return std::string(word); })
        .Reduce([](const std::string& a, const std::string& b) { return a + b; });
  });
  harness.PushBatch({"evenly", "a", "evenly"});
  EXPECT_EQ(harness.error(), "");
  ASSERT_EQ(harness.Outputs().size(), 2u);
  EXPECT_EQ(harness.Outputs()[1].record, "evenlyevenly");
}

TEST(SideOutput, WrittenWithAnotherTypeThanItIsRead) {
  SideOutputSink<int64_t> longs;
  OperatorTestHarness<std::string, int64_t> harness([&](const DataStream<std::string>& words) {
    const auto lengths = words.Process(Sort());
    lengths.GetSideOutput(OutputTag<int64_t>("long")).SinkTo(longs.sink());
    return lengths;
  });
  EXPECT_FALSE(harness.Push("evenly"));
  EXPECT_THAT(harness.error(), HasSubstr("side output 'long' is written and read with different "
                                         "types"));
}

struct Length {
  int64_t length = 0;
  WEIR_RECORD(Length, length)
};

/// One tag, with rows of this type after strings.
template <class Other>
class TwoTypes final : public ProcessFunction<std::string, int64_t> {
 public:
  explicit TwoTypes(Other other) : other_(std::move(other)) {}
  void ProcessElement(const std::string_view& word, Context& context,
                      Collector<int64_t>& out) override {
    context.Output(LongWords(), word);
    context.Output(OutputTag<Other>("long"), other_);
    out.Collect(0);
  }

 private:
  Other other_;
};

TEST(SideOutput, OneTagWithTwoTypesFailsTheTask) {
  SideOutputSink<std::string> longs;
  OperatorTestHarness<std::string, int64_t> harness([&](const DataStream<std::string>& words) {
    const auto lengths = words.Process(TwoTypes<Length>({7})).Name("two");
    lengths.GetSideOutput(LongWords()).SinkTo(longs.sink());
    return lengths;
  });
  EXPECT_FALSE(harness.Push("evenly"));
  EXPECT_THAT(harness.error(), HasSubstr("side output 'long' is written and read with different "
                                         "types"));
  EXPECT_THAT(longs.records(), IsEmpty());
}

struct OtherWord {
  std::string text;
  int64_t length = 0;
  WEIR_RECORD(OtherWord, text, length)
};

class TwoStructs final : public ProcessFunction<std::string, int64_t> {
 public:
  void ProcessElement(const std::string_view& word, Context& context,
                      Collector<int64_t>&) override {
    context.Output(OutputTag<Word>("odd"), Word{std::string(word), 1});
    context.Output(OutputTag<OtherWord>("odd"), OtherWord{std::string(word), 2});
  }
};

TEST(SideOutput, TwoStructsWithTheSameFieldsShareATag) {
  SideOutputSink<Word> odds;
  OperatorTestHarness<std::string, int64_t> harness([&](const DataStream<std::string>& words) {
    const auto lengths = words.Process(TwoStructs());
    lengths.GetSideOutput(OddWords()).SinkTo(odds.sink());
    return lengths;
  });
  harness.PushBatch({"a", "b"});
  EXPECT_EQ(harness.error(), "");
  std::vector<std::string> texts;
  for (const Word& word : odds.records()) texts.push_back(word.text + std::to_string(word.length));
  EXPECT_THAT(texts, UnorderedElementsAre("a1", "a2", "b1", "b2"));
}

class LongOfKey final : public KeyedProcessFunction<std::string, Word, Word> {
 public:
  void ProcessElement(const Word::View& word, Context& context, Collector<Word>& out) override {
    out.Collect(word);
    context.Timers().RegisterEventTimeTimer(*context.Timestamp() + std::chrono::microseconds(10));
  }
  void OnTimer(Timestamp, Context& context, Collector<Word>&) override {
    context.Output(LongWords(), context.CurrentKey());
  }
};

TEST(SideOutput, OfAKeyedProcessFunctionsTimer) {
  SideOutputSink<std::string> longs;
  OperatorTestHarness<Word, Word> harness([&](const DataStream<Word>& words) {
    const auto all = words.KeyBy(&Word::text).Process(LongOfKey());
    all.GetSideOutput(LongWords()).SinkTo(longs.sink());
    return all;
  });
  harness.Push({"a", 1}, 0);
  harness.PushWatermark(10);
  EXPECT_EQ(harness.error(), "");
  EXPECT_THAT(longs.records(), ElementsAre("a"));
}

TEST(SideOutput, IsInThePlan) {
  Environment env("job");
  const auto lengths =
      env.FromSource(TestingSourceOf<std::string>(), WatermarkStrategy::None(), "in")
          .Process(Sort())
          .Name("sort");
  lengths.SinkTo(TestingSinkOf<int64_t>());
  lengths.GetSideOutput(OddWords())
      .KeyBy(&Word::text)
      .Reduce([](const Word& a, const Word&) { return a; })
      .Name("odd")
      .SinkTo(TestingSinkOf<Word>());
  const auto plan = PlanJob(env.Graph());
  ASSERT_TRUE(plan.ok()) << plan.status();
  ASSERT_EQ(plan->edges_size(), 1);
  EXPECT_EQ(plan->edges(0).source_uid(), "sort");
  EXPECT_EQ(plan->edges(0).side_output(), "odd");
  EXPECT_EQ(plan->vertices(1).operators(0).configuration().at("input"), "sort (side output 'odd')");
}

}  // namespace
}  // namespace weir
