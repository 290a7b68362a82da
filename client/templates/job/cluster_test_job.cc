// The job of cluster_test.cc: the same dataflow between payments that are made up, ten thousand a
// second, and files in the directory --out. It needs no broker.
#include "payment.h"
#include "weir/datagen.h"
#include "weir/testing/file_sink.h"

namespace {

// Every second one is large.
Payment MakePayment(const weir::SequenceRow& row) {
  return {row.id, "a-17", row.id % 2 * kLargeFromCents, "EUR"};
}

void Build(weir::Environment& env, const weir::Args& args) {
  weir::SequenceSourceOptions rows;
  rows.rows_per_second = 10'000;
  const auto payments =
      env.FromSource(weir::SequenceSource(rows), weir::WatermarkStrategy::Monotonic(), "rows")
          .Map(MakePayment)
          .Name("payments");
  AlertsOf(payments).SinkTo(weir::testing::FileSink<Alert>(args.Require("out"))).Name("alerts");
}

}  // namespace

int main(int argc, char** argv) { return weir::RunJob("@NAME@-test", argc, argv, Build); }
