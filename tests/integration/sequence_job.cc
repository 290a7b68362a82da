// A job for tests of MiniCluster: numbers from the data generator to files, without a broker.
// --out names their directory; --rows of each of two splits, 0: without end; --rate in rows a
// second; --fail-at is the id at which the function throws; --parallelism; --buffer is how many
// numbers each subtask holds back, in operator state.
#include <cstdint>
#include <stdexcept>

#include "weir/datagen.h"
#include "weir/testing/file_sink.h"
#include "weir/weir.h"

namespace {

/// Gives what it holds when it holds so much.
struct Buffer {
  void Open(weir::FunctionContext& context) {
    held = context.GetOperatorStateStore().GetListState(weir::ListStateDescriptor<int64_t>("held"));
  }
  void operator()(int64_t number, weir::Collector<int64_t>& out) {
    held.Add(number);
    if (held.Peek()->size() < size) return;
    for (const int64_t one : held.Get()) out.Collect(one);
    held.Clear();
  }

  size_t size = 1;
  weir::ListState<int64_t> held;
};

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob("sequence", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::SequenceSourceOptions source;
    source.splits = 2;
    source.rows_per_split = args.GetInt("rows", 0);
    source.rows_per_second = args.GetDouble("rate", 0);
    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    Buffer buffer;
    buffer.size = static_cast<size_t>(args.GetInt("buffer", 1));
    env.FromSource(weir::SequenceSource(source), weir::WatermarkStrategy::Monotonic(), "numbers")
        .Map([fail_at = args.GetInt("fail-at", -1)](const weir::SequenceRow::View& row) {
          if (row.id == fail_at) throw std::runtime_error("this number is too much");
          return row.id;
        })
        .Name("id")
        .FlatMap<int64_t>(buffer)
        .Name("buffer")
        .SinkTo(weir::testing::FileSink<int64_t>(args.Require("out")))
        .Name("files");
  });
}
