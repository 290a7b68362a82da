// Keyed operators ask for the state of a batch at once, where the backend gains by it.
#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

#include "tests/unit/state/tiered/tiered_backend_test.h"
#include "weir/key_functions.h"
#include "weir/keyed_operators.h"
#include "weir/windowed_operators.h"

namespace weir {
namespace {

constexpr int64_t kRows = 500;
constexpr int64_t kKeys = 20'000;

struct Sale {
  int64_t shop = 0;
  int64_t amount = 0;
  WEIR_RECORD(Sale, shop, amount)
};
using KeyOfSale = internal::FieldKey<Sale, int64_t>;

/// The rows that came out.
class Rows final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    const RecordReader<Sale> reader(*batch);
    for (size_t row = 0; row < reader.rows(); ++row) rows.push_back(reader.Materialize(row));
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
  std::vector<Sale> rows;
};

/// Emits the sum of each shop with each row.
class Total final : public KeyedProcessFunction<int64_t, Sale, Sale> {
 public:
  void Open(RuntimeContext& context) override {
    total_ = context.GetState(ValueStateDescriptor<int64_t>("total"));
  }
  void ProcessElement(const Sale::View& sale, Context&, Collector<Sale>& out) override {
    const int64_t total = total_.Value().value_or(0) + sale.amount;
    total_.Update(total);
    out.Collect(Sale{sale.shop, total});
  }

 private:
  ValueState<int64_t> total_;
};

struct SumOfAmounts final : AggregateFunction<Sale, Sale, Sale> {
  void Add(const Sale& sale, Sale& sum) const override {
    sum.shop = sale.shop;
    sum.amount += sale.amount;
  }
  Sale GetResult(const Sale& sum) const override { return sum; }
  void Merge(const Sale& other, Sale& sum) const override { sum.amount += other.amount; }
};

class OperatorPrefetchTest : public TieredBackendTest {
 protected:
  // Before its backend.
  ~OperatorPrefetchTest() override { operator_.reset(); }

  void Open(std::unique_ptr<Operator> op) {
    TieredStateOptions options;
    options.memory_bytes = 7u << 18;
    TieredBackendTest::Open(options);
    operator_ = std::move(op);
    OperatorContext context;
    context.keyed_state = backend_.get();
    context.max_parallelism = kMaxParallelism;
    context.clock = &clock_;
    ASSERT_EQ(operator_->Open(context), absl::OkStatus());
    for (int64_t first = 0; first < kKeys; first += kRows) Process(first);
  }
  /// A row for each of kRows keys; of 2 hours, in turns.
  void Process(int64_t first) {
    RecordBuilder<Sale> rows;
    std::vector<int64_t> times;
    for (int64_t i = 0; i < kRows; ++i) {
      rows.Append({first + i, 1});
      times.push_back((i % 2) * kHour);
    }
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::move(times));
    ASSERT_EQ(operator_->ProcessBatch(std::make_shared<const Batch>(rows.Finish(std::move(extras))),
                                      output_),
              absl::OkStatus());
  }
  /// Through all keys again: none of them is in memory any more.
  void ProcessAllAgain() {
    Process(0);  // shows that there is something to read
    const TierCounters before = backend_->counters();
    for (int64_t first = kRows; first < kKeys; first += kRows) Process(first);
    const TierCounters& after = backend_->counters();
    // Evictions may be wrong about a few.
    EXPECT_LE(after.misses - before.misses, static_cast<uint64_t>(kKeys) / 100);
    EXPECT_GE(after.prefetched - before.prefetched, static_cast<uint64_t>(kKeys) / 2);
  }

  static constexpr int64_t kHour = int64_t{3600} * 1'000'000;
  Rows output_;
  std::unique_ptr<Operator> operator_;
};

TEST_F(OperatorPrefetchTest, AProcessFunctionsState) {
  Open(std::make_unique<KeyedProcessOperator<KeyOfSale, Sale, Sale, Total>>(KeyOfSale(&Sale::shop),
                                                                            Total()));
  ProcessAllAgain();
  ASSERT_EQ(output_.rows.size(), static_cast<size_t>(2 * kKeys));
  for (int64_t key = 0; key < kKeys; ++key) {
    const Sale& row = output_.rows[static_cast<size_t>(kKeys + key)];
    ASSERT_EQ(row.shop, key);
    ASSERT_EQ(row.amount, 2);
  }
}

TEST_F(OperatorPrefetchTest, TheSlicesOfWindows) {
  using Contents = internal::AggregatedContents<Sale, SumOfAmounts>;
  using Emitter = internal::ResultEmitter<Contents, Sale>;
  internal::WindowSpec spec;
  spec.size_micros = spec.slide_micros = kHour;
  Open(std::make_unique<TypedSliceWindowOperator<KeyOfSale, Sale, Sale, Contents, Emitter>>(
      spec, KeyOfSale(&Sale::shop), Contents(SumOfAmounts()), Emitter()));
  ProcessAllAgain();
  ASSERT_EQ(operator_->ProcessWatermark(EventTime::Max(), output_), absl::OkStatus());
  while (operator_->firing()) {
    ASSERT_EQ(operator_->ContinueFiring(output_), absl::OkStatus());
  }
  ASSERT_EQ(output_.rows.size(), static_cast<size_t>(kKeys));
  for (const Sale& row : output_.rows) ASSERT_EQ(row.amount, 2) << row.shop;
}

}  // namespace
}  // namespace weir
