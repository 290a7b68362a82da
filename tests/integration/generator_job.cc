// A job for tests of MiniCluster: its watermark generators speak once in the life of a split, at
// the row whose id says so; a generator of a later execution has nothing to say. --out names the
// directory of the files; --speak-at is that id, or the first behind it in a split; --rate in rows
// a second.
#include <unistd.h>

#include <chrono>
#include <memory>

#include "weir/datagen.h"
#include "weir/testing/file_sink.h"
#include "weir/weir.h"

namespace {

struct Seen {
  int64_t id = 0;
  int64_t watermark = -1;  // -1: none
  int64_t process = 0;
  WEIR_RECORD(Seen, id, watermark, process)
};

class SpeaksOnce final : public weir::WatermarkGenerator<weir::SequenceRow> {
 public:
  explicit SpeaksOnce(int64_t at) : at_(at) {}
  void OnEvent(const weir::SequenceRow::View& row, weir::Timestamp time,
               weir::WatermarkOutput& output) override {
    if (row.id == at_ || row.id == at_ + 1) output.EmitWatermark(time);
  }

 private:
  const int64_t at_;
};

class Look final : public weir::ProcessFunction<weir::SequenceRow, Seen> {
 public:
  void ProcessElement(const weir::SequenceRow::View& row, Context& context,
                      weir::Collector<Seen>& out) override {
    Seen seen;
    seen.id = row.id;
    seen.process = getpid();
    if (const auto watermark = context.CurrentWatermark()) {
      seen.watermark = watermark->time_since_epoch().count();
    }
    out.Collect(seen);
  }
};

}  // namespace

int main(int argc, char** argv) {
  return weir::RunJob("generator", argc, argv, [](weir::Environment& env, const weir::Args& args) {
    weir::SequenceSourceOptions source;
    source.splits = 2;
    source.rows_per_second = args.GetDouble("rate", 0);
    const auto watermarks =
        weir::WatermarkStrategy::ForGenerator([at = args.GetInt("speak-at", 0)] {
          return std::make_unique<SpeaksOnce>(at);
        }).WithTimestampAssigner(&weir::SequenceRow::id);
    env.FromSource(weir::SequenceSource(source), watermarks, "numbers")
        .Process(Look())
        .Name("look")
        .SinkTo(weir::testing::FileSink<Seen>(args.Require("out")))
        .Name("files");
  });
}
