#pragma once

#include <memory>
#include <vector>

#include "common/types/record.h"
#include "weir/connector_handles.h"
#include "weir/testing/operator_harness_core.h"

namespace weir::testing {

/// Keeps what comes out of a side output of a pipeline under test:
///
///   weir::testing::SideOutputSink<Flight> late;
///   weir::testing::OperatorTestHarness harness([&](const weir::DataStream<Flight>& flights) {
///     auto delays = DelaysOf(flights);
///     delays.GetSideOutput(kLate).SinkTo(late.sink());
///     return delays;
///   });
///   EXPECT_EQ(late.records().size(), 1u);
///
/// Threads: as the harness.
template <RowType T>
class SideOutputSink {
 public:
  SideOutputSink() : batches_(std::make_shared<std::vector<BatchPtr>>()) {}

  SinkOf<T> sink() const { return SinkOf<T>(internal::OperatorHarnessCore::KeepingEnd(batches_)); }

  /// All so far, in order.
  std::vector<T> records() const {
    std::vector<T> records;
    for (const BatchPtr& batch : *batches_) {
      const RecordReader<T> reader(*batch);
      for (size_t row = 0; row < reader.rows(); ++row) records.push_back(reader.Materialize(row));
    }
    return records;
  }

 private:
  std::shared_ptr<std::vector<BatchPtr>> batches_;
};

}  // namespace weir::testing
