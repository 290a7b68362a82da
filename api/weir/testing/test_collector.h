#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "common/operator/operator.h"
#include "common/types/record.h"
#include "weir/stream_functions.h"

namespace weir {

namespace testing {

/// A collector for tests of FlatMap's functions:
///
///   weir::testing::TestCollector<TagView> out;
///   SplitTags({.tags = "a,b"}, out.collector());
///   EXPECT_EQ(out.records().size(), 2u);
///
/// Threads: one at a time.
template <RowType Out>
class TestCollector {
 public:
  TestCollector() : input_(std::make_shared<const Batch>(RecordBuilder<Out>().Finish())) {
    internal::CollectorAccess::Begin(collector_, *input_, kept_);
  }
  TestCollector(const TestCollector&) = delete;
  TestCollector& operator=(const TestCollector&) = delete;

  /// What the function is given.
  Collector<Out>& collector() { return collector_; }

  /// All that was collected, in order.
  std::vector<Out> records() {
    internal::CollectorAccess::Flush(collector_);
    std::vector<Out> records;
    for (const BatchPtr& batch : kept_.batches) {
      const RecordReader<Out> reader(*batch);
      for (size_t row = 0; row < reader.rows(); ++row) records.push_back(reader.Materialize(row));
    }
    return records;
  }

 private:
  struct Kept final : Output {
    absl::Status Emit(BatchPtr batch) override {
      batches.push_back(std::move(batch));
      return absl::OkStatus();
    }
    absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
    std::vector<BatchPtr> batches;
  };

  BatchPtr input_;  // whose rows have neither event times nor positions
  Kept kept_;
  Collector<Out> collector_;
};

}  // namespace testing
}  // namespace weir
