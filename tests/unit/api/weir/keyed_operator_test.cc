// A keyed operator alone: what one of its calls does, and what it leaves for the next.
#include "weir/keyed_operator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/operator/stream_graph.h"
#include "state/keyed/heap_keyed_state_backend.h"
#include "tests/unit/api/weir/testing_connectors.h"
#include "tests/unit/api/weir/testing_windows.h"
#include "weir/environment.h"

namespace weir {
namespace {

constexpr int64_t kKeys = 200;  // fewer than a slice has timers
constexpr size_t kLongText = 32 << 10;

/// Emits a long text for each timer, into a side output only.
class Texts final : public KeyedProcessFunction<std::string, Click, Click> {
 public:
  static OutputTag<std::string> Tag() { return OutputTag<std::string>("texts"); }
  void ProcessElement(const Click::View&, Context& context, Collector<Click>&) override {
    context.Timers().RegisterEventTimeTimer(*context.Timestamp());
  }
  void OnTimer(Timestamp, Context& context, Collector<Click>&) override {
    context.Output(Tag(), std::string(kLongText, 'x'));
  }
};

class CountingOutput final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    rows += batch->num_rows();
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override {
    ++watermarks;
    return absl::OkStatus();
  }
  size_t rows = 0;
  int watermarks = 0;
};

class StillClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::UnixEpoch(); }
  absl::Duration Monotonic() const override { return absl::ZeroDuration(); }
};

BatchPtr OneOfEachKey() {
  RecordBuilder<Click> builder;
  for (int64_t key = 0; key < kKeys; ++key) builder.Append(Click{std::to_string(key), 1});
  BatchExtras extras;
  extras.event_times = Buffer::FromVector(std::vector<int64_t>(kKeys, 5));
  return std::make_shared<const Batch>(builder.Finish(std::move(extras)));
}

TEST(KeyedOperatorTest, ASliceEndsWhenABatchOfASideOutputHasGoneOn) {
  Environment env("job");
  env.FromSource(TestingSourceOf<Click>(), WatermarkStrategy::Monotonic(), "in")
      .KeyBy(&Click::user)
      .Process(Texts())
      .Name("texts");
  const std::unique_ptr<Operator> op = env.Graph().Find("texts")->make_operator();
  const StillClock clock;
  HeapKeyedStateBackend::Options options;
  options.key_schema = StateCodec<std::string>::Schema();
  options.range = {0, kDefaultMaxParallelism};
  HeapKeyedStateBackend backend(std::move(options), clock);
  CountingOutput texts;
  CountingOutput out;
  OperatorContext context;
  context.keyed_state = &backend;
  context.max_parallelism = kDefaultMaxParallelism;
  context.clock = &clock;
  context.side_outputs["texts"] = {&texts, SchemaOf<std::string>()};
  ASSERT_TRUE(op->Open(context).ok());
  ASSERT_TRUE(op->ContinueFiring(out).ok()) << "nothing was restored";
  ASSERT_FALSE(op->firing());
  ASSERT_TRUE(op->ProcessBatch(OneOfEachKey(), out).ok());
  ASSERT_TRUE(op->ProcessWatermark(EventTime::FromMicros(5), out).ok());
  EXPECT_TRUE(op->firing());
  EXPECT_EQ(texts.rows, 64u) << "the batch that was full";
  EXPECT_EQ(out.watermarks, 0);
  while (op->firing()) ASSERT_TRUE(op->ContinueFiring(out).ok());
  EXPECT_EQ(texts.rows, static_cast<size_t>(kKeys));
  EXPECT_EQ(out.watermarks, 1);
}

}  // namespace
}  // namespace weir
