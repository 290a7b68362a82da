// A job for tests of MiniCluster: numbers from the data generator to files, without a broker.
// --out names their directory; --rows of each of two splits, 0: without end; --rate in rows a
// second; --fail-at is the id at which the function throws; --parallelism.
#include <cstdint>
#include <stdexcept>

#include "weir/datagen.h"
#include "weir/testing/file_sink.h"
#include "weir/weir.h"

int main(int argc, char** argv) {
  return weir::RunJob("sequence", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::SequenceSourceOptions source;
    source.splits = 2;
    source.rows_per_split = args.GetInt("rows", 0);
    source.rows_per_second = args.GetDouble("rate", 0);
    env.SetParallelism(static_cast<int>(args.GetInt("parallelism", 1)));
    env.FromSource(weir::SequenceSource(source), weir::WatermarkStrategy::Monotonic(), "numbers")
        .Map([fail_at = args.GetInt("fail-at", -1)](const weir::SequenceRow::View& row) {
          if (row.id == fail_at) throw std::runtime_error("this number is too much");
          return row.id;
        })
        .Name("id")
        .SinkTo(weir::testing::FileSink<int64_t>(args.Require("out")))
        .Name("files");
  });
}
