#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "common/types/record.h"
#include "weir/connector_handles.h"
#include "weir/data_stream.h"
#include "weir/watermark_strategy.h"

namespace weir {

struct StreamGraph;

/// What a build function describes its job with (Flink's StreamExecutionEnvironment).
///
/// Threads: one at a time. The handles it gives out share its graph and may outlive it.
class Environment {
 public:
  explicit Environment(const std::string& job_name);

  /// For operators that say nothing else; at least 1. Default 1.
  Environment& SetParallelism(int parallelism);

  /// How often watermark generators of one's own (WatermarkStrategy::ForGenerator) are asked for
  /// periodic watermarks; zero: never. Default 200 ms. Those of other strategies may follow each
  /// batch of records, and need none.
  Environment& SetAutoWatermarkInterval(std::chrono::microseconds interval);

  template <RowType T>
  DataStream<T> FromSource(const SourceOf<T>& source, const WatermarkStrategy& watermarks,
                           const std::string& name) {
    return DataStream<T>(AddSource(source.source(), watermarks, name));
  }

  /// The dataflow described so far. Operators without a name are named by their kind ("Map",
  /// "Map 2", ...), and the uid of an operator without one is its name.
  StreamGraph Graph() const;

 private:
  internal::NodeHandle AddSource(std::shared_ptr<const Source> source,
                                 const WatermarkStrategy& watermarks, const std::string& name);

  std::shared_ptr<internal::GraphBuilder> graph_;
};

}  // namespace weir
