#include "tests/sim/keyed/keyed_pipeline.h"

#include <chrono>
#include <utility>

#include "tests/sim/keyed/keyed_expectation.h"
#include "tests/sim/keyed/keyed_functions.h"
#include "tests/sim/keyed/keyed_watermarks.h"
#include "weir/weir.h"

namespace weir::sim {
namespace {

using std::chrono::microseconds;
using Program = KeyedConfig::Program;

class PipelineBuilder {
 public:
  PipelineBuilder(const KeyedInput& input, const KeyedPipeline& pipeline)
      : input_(input),
        config_(input.config()),
        pipeline_(pipeline),
        environment_(pipeline.job_name) {}

  StreamGraph Build();

 private:
  template <class Keyed>
  DataStream<KeyedResult> First(const Keyed& rows) const;
  template <class Keyed, class Windows>
  DataStream<KeyedResult> Windowed(const Keyed& rows, const Windows& windows) const;
  DataStream<KeyedResult> Second(const DataStream<KeyedResult>& results) const;
  Stream<ModelRecord> Counted(const Stream<ModelRecord>& records) const;
  Stream<KeyedResult> LateRows(const DataStream<KeyedResult>& first) const;
  void Sink(const DataStream<KeyedResult>& first, const DataStream<KeyedResult>& results) const;

  const KeyedInput input_;
  const KeyedConfig& config_;
  const KeyedPipeline& pipeline_;
  Environment environment_;
};

template <class Keyed>
DataStream<KeyedResult> PipelineBuilder::First(const Keyed& rows) const {
  switch (config_.program) {
    case Program::kTumbling:
      return Windowed(rows, Tumbling(microseconds(config_.size_us)));
    case Program::kSliding:
      return Windowed(rows, Sliding(microseconds(config_.size_us), microseconds(config_.slide_us)));
    case Program::kSession:
      return Windowed(rows, Session(microseconds(config_.size_us)));
    case Program::kClockTimers:
      return rows.Process(ClockTimers(input_));
    case Program::kClockWindows:
      return Windowed(rows, TumblingProcessingTime(microseconds(config_.size_us)));
    default: {
      const bool closing = !config_.second && !config_.late;
      return rows.Process(SlotTimers({input_, config_.size_us,
                                      closing ? KeyedExpectation::ClosingDelay(config_) : 0,
                                      config_.late, config_.lists}));
    }
  }
}

template <class Keyed, class Windows>
DataStream<KeyedResult> PipelineBuilder::Windowed(const Keyed& rows, const Windows& windows) const {
  auto windowed = rows.Window(windows).AllowedLateness(microseconds(config_.lateness_us));
  if (config_.late) windowed.SideOutputLateData(LateTag());
  if (config_.listed) return windowed.Process(ResultOfRows(input_));
  return windowed.Aggregate(SumOfRecords(input_), ResultOfWindow());
}

DataStream<KeyedResult> PipelineBuilder::Second(const DataStream<KeyedResult>& results) const {
  return results
      .KeyBy([](const KeyedResult::View& row) { return row.key % KeyedConfig::kSecondKeys; })
      .Window(Tumbling(microseconds(config_.second_size_us())))
      .Aggregate(SumOfResults(), ResultOfWindow())
      .Name("second")
      .SetParallelism(static_cast<int>(pipeline_.keyed_parallelism));
}

Stream<KeyedResult> PipelineBuilder::LateRows(const DataStream<KeyedResult>& first) const {
  return first.GetSideOutput(LateTag())
      .Map([input = input_](const ModelRecord::View& row) {
        const KeyedInput::Record record = input.At(row.split, row.index);
        return KeyedResult{record.key, KeyedResult::kLate, row.split, row.index,
                           1,          record.value,       0};
      })
      .Name("late")
      .SetParallelism(static_cast<int>(pipeline_.keyed_parallelism));
}

void PipelineBuilder::Sink(const DataStream<KeyedResult>& first,
                           const DataStream<KeyedResult>& results) const {
  const SinkOf<KeyedResult> sink(pipeline_.sink);
  const auto by_key = [](const KeyedResult::View& row, uint32_t subtasks) {
    return static_cast<uint32_t>(row.key % subtasks);
  };
  const auto add = [&] {
    if (config_.reads_late()) {
      return results.Union(LateRows(first)).PartitionCustom(by_key).SinkTo(sink);
    }
    if (pipeline_.keyed_parallelism != pipeline_.parallelism) {
      return results.PartitionCustom(by_key).SinkTo(sink);
    }
    return results.SinkTo(sink);
  };
  DataStreamSink end = add();
  end.Name(pipeline_.sink_uid);
  if (!pipeline_.chained) end.StartNewChain();
}

// By the clock, without the last record of each split.
Stream<ModelRecord> PipelineBuilder::Counted(const Stream<ModelRecord>& records) const {
  if (!config_.by_clock()) return records;
  return records.Filter([input = input_](const ModelRecord::View& row) {
    return !input.IsLast(row.split, row.index);
  });
}

StreamGraph PipelineBuilder::Build() {
  environment_.SetParallelism(static_cast<int>(pipeline_.parallelism));
  environment_.SetAutoWatermarkInterval(std::chrono::milliseconds(config_.watermark_interval_ms));
  const WatermarkStrategy watermarks = KeyedWatermarks(config_);
  const auto source = environment_.FromSource(
      SourceOf<ModelRecord>(pipeline_.source),
      config_.mid_stream ? WatermarkStrategy::NoWatermarks() : watermarks, pipeline_.source_uid);
  const Stream<ModelRecord> records =
      config_.mid_stream ? source.AssignTimestampsAndWatermarks(watermarks) : source;
  const auto key_of = [input = input_](const ModelRecord::View& row) {
    return input.At(row.split, row.index).key;
  };
  const auto keyed =
      config_.aligned ? records.KeyByPartition(key_of) : Counted(records).KeyBy(key_of);
  const auto parallelism = static_cast<int>(pipeline_.keyed_parallelism);
  DataStream<KeyedResult> first = First(keyed);
  first.Name("keyed").SetParallelism(parallelism);
  const DataStream<KeyedResult> results = config_.second ? Second(first) : first;
  DataStream<KeyedResult> probed = results.Map([](const KeyedResult::View& row) { return row; });
  probed.Name(pipeline_.probe_uid).SetParallelism(parallelism);
  if (!pipeline_.chained) probed.StartNewChain();
  Sink(first, probed);
  StreamGraph graph = environment_.Graph();
  WatermarkProbe::Options probe = pipeline_.probe;
  probe.any_time = config_.lateness_us > 0 || config_.by_clock();
  for (StreamNode& node : graph.nodes) {
    if (node.uid != pipeline_.probe_uid) continue;
    node.make_operator = [probe]() -> std::unique_ptr<Operator> {
      return std::make_unique<WatermarkProbe>(probe);
    };
  }
  return graph;
}

}  // namespace

StreamGraph MakeKeyedGraph(const KeyedInput& input, const KeyedPipeline& pipeline) {
  return PipelineBuilder(input, pipeline).Build();
}

}  // namespace weir::sim
