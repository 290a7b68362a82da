#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/connector/sink.h"
#include "common/connector/source.h"
#include "common/operator/stream_graph.h"
#include "tests/sim/keyed/keyed_input.h"
#include "tests/sim/keyed/watermark_probe.h"

namespace weir::sim {

/// What a keyed job is made with.
struct KeyedPipeline {
  std::string job_name;
  std::string source_uid;
  std::string probe_uid;  // between the operators and the sink
  std::string sink_uid;
  uint32_t parallelism = 1;        // of source and sink
  uint32_t keyed_parallelism = 1;  // of the operators
  bool chained = true;
  std::shared_ptr<const Source> source;  // of ModelRecord
  std::shared_ptr<const Sink> sink;      // of KeyedResult
  WatermarkProbe::Options probe;
};

/// source -> shuffle -> keyed operator -> (shuffle -> windows) -> probe -> sink, written with the
/// API that authors of jobs have.
StreamGraph MakeKeyedGraph(const KeyedInput& input, const KeyedPipeline& pipeline);

}  // namespace weir::sim
