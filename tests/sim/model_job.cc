#include "tests/sim/model_job.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "tests/sim/keyed/keyed_pipeline.h"

namespace weir::sim {
namespace {

class HighestEventTime final : public BatchWatermarkGenerator {
 public:
  std::optional<EventTime> OnBatch(const Batch& batch) override {
    return EventTime::FromMicros(batch.event_times()[batch.num_rows() - 1]);
  }
};

// All records of a split to one subtask, and of the next split to the next one.
class BySplit final : public RowPartitioner {
 public:
  explicit BySplit(uint64_t first) : first_(first) {}
  absl::Status Partition(const Batch& batch, uint32_t subtasks,
                         std::vector<uint32_t>& targets) const override {
    for (size_t row = 0; row < batch.num_rows(); ++row) {
      const auto split = static_cast<uint64_t>(batch.column(0).int64s()[row]);
      targets.push_back(static_cast<uint32_t>((split + first_) % subtasks));
    }
    return absl::OkStatus();
  }

 private:
  const uint64_t first_;
};

StreamInput Dealt(uint64_t node, uint64_t first) {
  return {node, Exchange::kCustom, nullptr, std::make_shared<BySplit>(first)};
}

// Dies now and then right behind what its operators do.
std::function<void()> CrashesOf(ModelContext& context) {
  // Not make_shared: it cannot be moved.
  const std::shared_ptr<SeededRandom> random(
      new SeededRandom(context.world.Fork(absl::StrCat("crashes ", context.worker))));
  return [&context, random] {
    if (context.outside.healed() || !Chance(*random, context.config.keyed.crashes)) return;
    context.world.Schedule(absl::Microseconds(Between(*random, 0, 3000)), [&context] {
      if (!context.outside.healed()) context.process->Kill();
    });
  };
}

StreamGraph MakeKeyedModelGraph(ModelContext& context) {
  KeyedPipeline pipeline;
  pipeline.job_name = kJobName;
  pipeline.source_uid = kSourceUid;
  pipeline.probe_uid = kOperatorUid;
  pipeline.sink_uid = kSinkUid;
  pipeline.parallelism = context.config.parallelism;
  pipeline.keyed_parallelism = context.config.counters();
  pipeline.chained = context.config.chained;
  pipeline.source = MakeModelSource(context);
  pipeline.sink = MakeModelSink(context);
  pipeline.probe.on_step = CrashesOf(context);
  pipeline.probe.report = [&context](const std::string& what) {
    context.world.Violate("Watermarks", absl::StrCat(what, " in worker ", context.worker));
  };
  return MakeKeyedGraph(*context.outside.keyed_input(), pipeline);
}

}  // namespace

std::string SplitName(uint64_t split) { return absl::StrCat("split-", split); }

uint64_t SplitNumber(const std::string& name) {
  uint64_t split = 0;
  WEIR_CHECK(name.size() > 6 && absl::SimpleAtoi(name.substr(6), &split)) << name;
  return split;
}

StreamGraph MakeModelGraph(ModelContext& context) {
  if (context.config.keyed.on()) return MakeKeyedModelGraph(context);
  StreamGraph graph;
  graph.job_name = kJobName;
  graph.default_parallelism = context.config.parallelism;
  StreamNode source;
  source.id = 1;
  source.kind = StreamNode::Kind::kSource;
  source.type = "ModelSource";
  source.name = source.uid = kSourceUid;
  source.parallelism = context.config.parallelism;
  source.source = MakeModelSource(context);
  source.output_schema = source.source->schema();
  if (context.config.watermarks) {
    auto strategy = std::make_shared<WatermarkStrategySpec>();
    strategy->description = "highest event time";
    strategy->make_generator = [] { return std::make_unique<HighestEventTime>(); };
    source.watermarks = std::move(strategy);
  }
  StreamNode count;
  count.id = 2;
  count.type = "Count";
  count.name = count.uid = kOperatorUid;
  count.parallelism = context.config.counters();
  count.chain_with_input = context.config.chained;
  count.inputs = {context.config.shuffles > 0 ? Dealt(1, 1) : StreamInput{1}};
  count.output_schema = source.output_schema;
  count.make_operator = [&context] { return MakeModelOperator(context); };
  StreamNode sink;
  sink.id = 3;
  sink.kind = StreamNode::Kind::kSink;
  sink.type = "ModelSink";
  sink.name = sink.uid = kSinkUid;
  sink.parallelism = context.config.parallelism;
  sink.inputs = {context.config.shuffles > 1 ? Dealt(2, 2) : StreamInput{2}};
  sink.sink = MakeModelSink(context);
  graph.nodes = {std::move(source), std::move(count), std::move(sink)};
  return graph;
}

}  // namespace weir::sim
