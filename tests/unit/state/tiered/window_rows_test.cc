// The rows of windows, which are appended to their slices without being read, on real RocksDB and
// real files.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "state/tiered/dirty_log.h"
#include "state/tiered/local_file.h"
#include "state/tiered/tier_manifest.h"
#include "tests/support/process_cpu.h"
#include "tests/unit/state/rocksdb/counting_env.h"
#include "tests/unit/state/tiered/tiered_backend_test.h"
#include "weir/key_functions.h"
#include "weir/windowed_operators.h"

namespace weir {
namespace {

constexpr int64_t kHour = int64_t{3600} * 1'000'000;

struct Sale {
  int64_t shop = 0;
  int64_t amount = 0;
  WEIR_RECORD(Sale, shop, amount)
};
using KeyOfSale = internal::FieldKey<Sale, int64_t>;
using Slices = MapState<int64_t, std::vector<Sale>>;

/// What a window had: how many rows, in which order.
struct Window {
  int64_t shop = 0;
  int64_t start = 0;
  int64_t rows = 0;
  bool in_order = false;  // amounts 0, 1, 2 ...
  WEIR_RECORD(Window, shop, start, rows, in_order)
  bool operator==(const Window&) const = default;
};

void PrintTo(const Window& window, std::ostream* out) {
  *out << window.shop << " from " << window.start << ": " << window.rows
       << (window.in_order ? "" : " in another order");
}

class Windows final : public Output {
 public:
  absl::Status Emit(BatchPtr batch) override {
    const RecordReader<Window> reader(*batch);
    for (size_t row = 0; row < reader.rows(); ++row) rows.push_back(reader.Materialize(row));
    return absl::OkStatus();
  }
  absl::Status EmitWatermark(EventTime) override { return absl::OkStatus(); }
  std::vector<Window> rows;
};

class RowsOfWindow final : public ProcessWindowFunction<Sale, Window, int64_t> {
 public:
  void Process(const int64_t& shop, WindowContext& context, std::span<const Sale> sales,
               Collector<Window>& out) override {
    Window window{shop, context.Window().start_micros(), static_cast<int64_t>(sales.size()), true};
    for (size_t i = 0; i < sales.size(); ++i) {
      window.in_order = window.in_order && sales[i].amount == static_cast<int64_t>(i);
    }
    out.Collect(window);
  }
};

double CpuSeconds(const std::function<void()>& work) {
  const double before = ProcessCpuSeconds();
  work();
  return ProcessCpuSeconds() - before;
}

class WindowRowsTest : public TieredBackendTest {
 protected:
  // Before its backend, and that before the disk.
  ~WindowRowsTest() override {
    operator_.reset();
    backend_.reset();
  }

  /// Of a backend that is empty, or restored.
  void Start(const KeyedStateIncrement* from = nullptr, TieredStateOptions options = {}) {
    using Contents = internal::ListedContents<Sale>;
    using Emitter = internal::ProcessEmitter<Contents, RowsOfWindow>;
    operator_.reset();
    Open(std::move(options));
    internal::WindowSpec spec;
    spec.size_micros = kHour;
    spec.slide_micros = slide_;
    spec.lateness_micros = lateness_;
    operator_ =
        std::make_unique<TypedSliceWindowOperator<KeyOfSale, Sale, Window, Contents, Emitter>>(
            spec, KeyOfSale(&Sale::shop), Contents(), Emitter(RowsOfWindow()));
    if (from != nullptr) {
      ASSERT_EQ(backend_->RestoreIncrements({from, 1}), absl::OkStatus());
    }
    OperatorContext context;
    context.keyed_state = backend_.get();
    context.max_parallelism = kMaxParallelism;
    context.clock = &clock_;
    ASSERT_EQ(operator_->Open(context), absl::OkStatus());
  }
  void Restart(const KeyedStateIncrement& from, TieredStateOptions options = {}) {
    Start(&from, std::move(options));
  }
  /// One row of each shop for each amount, all of this time.
  void Process(int64_t shops, int64_t first_amount, int64_t end_amount, int64_t time) {
    RecordBuilder<Sale> rows;
    for (int64_t shop = 0; shop < shops; ++shop) {
      for (int64_t amount = first_amount; amount < end_amount; ++amount) {
        rows.Append({shop, amount});
      }
    }
    const auto count = static_cast<size_t>(shops * (end_amount - first_amount));
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::vector<int64_t>(count, time));
    ASSERT_EQ(operator_->ProcessBatch(std::make_shared<const Batch>(rows.Finish(std::move(extras))),
                                      output_),
              absl::OkStatus());
  }
  std::vector<Window> Fire(EventTime watermark) {
    EXPECT_EQ(operator_->ProcessWatermark(watermark, output_), absl::OkStatus());
    while (operator_->firing()) {
      EXPECT_EQ(operator_->ContinueFiring(output_), absl::OkStatus());
    }
    return std::exchange(output_.rows, {});
  }
  static uint64_t NewestLogBytes(const KeyedStateIncrement& increment) {
    EXPECT_TRUE(absl::EndsWith(increment.files.back().name, ".log"));
    return increment.files.back().size_bytes;
  }
  uint64_t Reads() const { return backend_->counters().misses + backend_->counters().prefetched; }

  int64_t slide_ = kHour;
  int64_t lateness_ = 0;
  CountingEnv counting_;
  Windows output_;
  std::unique_ptr<Operator> operator_;
};

TEST_F(WindowRowsTest, AnIncrementCostsTheRowsThatCame) {
  Start();
  Process(1, 0, 10'000, 1);
  EXPECT_GT(NewestLogBytes(Increment()), 100'000u);
  Process(1, 10'000, 10'001, 2);
  EXPECT_LT(NewestLogBytes(Increment()), 150u);
  Materialise();
  Process(1, 10'001, 10'002, 3);
  EXPECT_LT(NewestLogBytes(Increment()), 150u);
  // Where the window is in RocksDB alone its timer is written once more.
  Materialise();
  Restart(Increment());
  Process(1, 10'002, 10'003, 4);
  const KeyedStateIncrement restored = Increment();
  EXPECT_LT(NewestLogBytes(restored), 1000u);
  EXPECT_EQ(Reads(), 0u);
  Restart(restored);
  EXPECT_EQ(Fire(EventTime::FromMicros(kHour)), (std::vector<Window>{{0, 0, 10'003, true}}));
  EXPECT_EQ(backend_->num_entries(), 0u);
}

// Their slices are in RocksDB alone, and nobody knows whether they have timers.
TEST_F(WindowRowsTest, RowsOfManyKeysAreNotRead) {
  constexpr int64_t kShops = 200;
  Start();
  Process(kShops, 0, 100, 1);
  Materialise();
  const KeyedStateIncrement cold = Increment();
  TieredStateOptions options;
  options.env = &counting_;
  options.block_cache_bytes = 0;
  Restart(cold, options);
  for (int64_t round = 0; round < 12; ++round) {
    const size_t read_bytes = counting_.read_bytes;
    Process(kShops, 100 + round, 101 + round, 2);
    EXPECT_EQ(Reads(), 0u) << round;
    EXPECT_EQ(counting_.read_bytes, read_bytes);
    if (round % 5 == 4) Materialise();
  }
  const std::vector<Window> windows = Fire(EventTime::FromMicros(kHour));
  ASSERT_EQ(windows.size(), static_cast<size_t>(kShops));
  for (const Window& window : windows) ASSERT_EQ(window, (Window{window.shop, 0, 112, true}));
  EXPECT_EQ(backend_->num_entries(), 0u);
  // No timer is left over.
  EXPECT_TRUE(Fire(EventTime::Max()).empty());
}

// A slice is read by each window over it, and more rows come behind.
TEST_F(WindowRowsTest, SlidingWindowsReadAndAdd) {
  slide_ = kHour / 4;
  lateness_ = kHour;
  Start();
  int64_t rows = 0;
  for (int64_t quarter = 0; quarter < 3; ++quarter) {
    const int64_t time = quarter * slide_ + 1;
    Process(2, rows, rows + 500, time);
    const std::vector<Window> windows = Fire(EventTime::FromMicros((quarter + 1) * slide_));
    const Window expected{0, (quarter - 3) * slide_, rows + 500, true};
    ASSERT_EQ(windows.size(), 2u);
    ASSERT_EQ(*std::min_element(windows.begin(), windows.end(),
                                [](const Window& a, const Window& b) { return a.shop < b.shop; }),
              expected);
    rows += 500;
    if (quarter == 1) Materialise();
    Restart(Increment());
  }
  // Late, and behind all that are there: of windows that have fired, and of one that has not.
  Process(1, rows, rows + 1, 2 * slide_ + 2);
  while (operator_->firing()) ASSERT_EQ(operator_->ContinueFiring(output_), absl::OkStatus());
  EXPECT_THAT(std::exchange(output_.rows, {}),
              testing::ElementsAre(Window{0, -slide_, rows + 1, true}));
  EXPECT_THAT(
      Fire(EventTime::FromMicros(4 * slide_)),
      testing::UnorderedElementsAre(Window{0, 0, rows + 1, true}, Window{1, 0, rows, true}));
  (void)Fire(EventTime::Max());
  EXPECT_EQ(backend_->num_entries(), 0u);
}

TEST_F(WindowRowsTest, MoreRowsThanMemoryHolds) {
  constexpr size_t kMemoryBytes = 512u << 10;
  constexpr int64_t kShops = 50;
  constexpr int64_t kRows = 2000;  // 16 bytes each: 1.6 MB
  TieredStateOptions options;
  options.memory_bytes = kMemoryBytes;
  Start(nullptr, options);
  for (int64_t row = 0; row < kRows; row += 20) {
    backend_->BeginBatch();
    Process(kShops, row, row + 20, 1);
    if (row % 400 == 0) (void)Increment();
    ASSERT_LE(backend_->memory_bytes(), kMemoryBytes * 5 / 4);
  }
  EXPECT_EQ(backend_->status(), absl::OkStatus());
  EXPECT_GT(backend_->counters().materialised, 2u);
  Restart(Increment(), options);
  const std::vector<Window> windows = Fire(EventTime::FromMicros(kHour));
  ASSERT_EQ(windows.size(), static_cast<size_t>(kShops));
  for (const Window& window : windows) ASSERT_EQ(window, (Window{window.shop, 0, kRows, true}));
  EXPECT_EQ(backend_->status(), absl::OkStatus());
}

// Of a program that knew of no appends: the rows of a slice as one value.
TEST_F(WindowRowsTest, RowsThatWerePutAsAWholeAreAppendedTo) {
  Open();
  auto slices = backend_->GetMapState(
      MapStateDescriptor<int64_t, std::vector<Sale>>(internal::kWindowContents));
  SetKey(7);
  std::vector<Sale> sales;
  for (int64_t amount = 0; amount < 1000; ++amount) sales.push_back({7, amount});
  slices.Put(0, sales);
  backend_->timers().Register(TimeDomain::kEventTime, kHour - 1);
  const auto frozen = Freeze();
  const absl::StatusOr<KeyedStateIncrement> increment = frozen->WriteIncrement();
  ASSERT_TRUE(increment.ok()) << increment.status();
  const std::string canonical = *frozen->Write();
  for (const KeyedStateIncrement& from : {*increment, KeyedStateIncrement{canonical, {}}}) {
    Restart(from);
    RecordBuilder<Sale> rows;
    rows.Append({7, 1000});
    BatchExtras extras;
    extras.event_times = Buffer::FromVector(std::vector<int64_t>{5});
    ASSERT_EQ(operator_->ProcessBatch(std::make_shared<const Batch>(rows.Finish(std::move(extras))),
                                      output_),
              absl::OkStatus());
    EXPECT_LT(NewestLogBytes(Increment()), 150u);
    EXPECT_THAT(Fire(EventTime::FromMicros(kHour)), testing::ElementsAre(Window{7, 0, 1001, true}));
  }
}

/// Of a window with barriers in between.
struct Cost {
  uint64_t log_bytes = 0;
  double cpu_seconds = 0;
};

// As long as it grows it would be copied and written at each barrier.
TEST_F(WindowRowsTest, ALargeWindowCostsItsRowsOnce) {
  constexpr int64_t kRows = 100'000;
  constexpr int64_t kRowsBetweenBarriers = 1000;
  const auto cost_of = [this](const std::function<void(Slices&, int64_t)>& add) {
    Open();
    auto slices = backend_->GetMapState(
        MapStateDescriptor<int64_t, std::vector<Sale>>(internal::kWindowContents));
    Cost cost;
    cost.cpu_seconds = CpuSeconds([&] {
      for (int64_t row = 0; row < kRows; ++row) {
        SetKey(7);
        add(slices, row);
        if ((row + 1) % kRowsBetweenBarriers != 0) continue;
        backend_->BeginBatch();
        cost.log_bytes += NewestLogBytes(Increment());
      }
    });
    SetKey(7);
    EXPECT_EQ(slices.Peek(0)->size(), static_cast<size_t>(kRows));
    EXPECT_EQ(backend_->status(), absl::OkStatus());
    return cost;
  };
  const Cost whole = cost_of([](Slices& slices, int64_t row) {
    bool fresh = false;
    slices.GetOrCreate(0, &fresh).push_back({7, row});
  });
  const Cost appended = cost_of([](Slices& slices, int64_t row) {
    (void)slices.Append(0, Sale{7, row});
  });
  EXPECT_LT(appended.log_bytes, static_cast<uint64_t>(kRows) * (sizeof(Sale) + 1));
  EXPECT_LT(appended.log_bytes * 20, whole.log_bytes);
  EXPECT_LT(appended.cpu_seconds, whole.cpu_seconds);
  RecordProperty("cpu_milliseconds_appended", static_cast<int>(appended.cpu_seconds * 1000));
  RecordProperty("cpu_milliseconds_whole", static_cast<int>(whole.cpu_seconds * 1000));
  RecordProperty("log_kilobytes_appended", static_cast<int>(appended.log_bytes / 1024));
  RecordProperty("log_kilobytes_whole", static_cast<int>(whole.log_bytes / 1024));
}

// Keys of maps are decoded by whoever goes through them.
TEST_F(WindowRowsTest, AnAppendUnderADamagedKeyIsRefused) {
  Start();
  Process(1, 0, 1000, 1);
  Materialise();
  Process(1, 1000, 1001, 1);
  KeyedStateIncrement increment = Increment();
  const std::string written = *ReadLocalFile(increment.files.back().path);
  DirtyLogEncoder damaged;
  damaged.Begin(2);
  ASSERT_TRUE(ReadDirtyLog(written, [&](const DirtyEntry& entry) {
                const size_t cut = entry.kind == StoreChange::kAppend ? 3 : 0;
                damaged.Add({entry.family, entry.kind, entry.key.substr(0, entry.key.size() - cut),
                             entry.value});
                return absl::OkStatus();
              }).ok());
  damaged.End();
  const std::string path = directory_.File("damaged.log");
  std::ofstream(path, std::ios::binary) << damaged.bytes();
  TierManifest manifest = *DecodeTierManifest(increment.manifest);
  manifest.logs.back().size_bytes = damaged.bytes().size();
  increment.manifest = EncodeTierManifest(manifest);
  increment.files.back() = {increment.files.back().name, damaged.bytes().size(), path, nullptr};
  Restart(increment);
  auto slices = backend_->GetMapState(
      MapStateDescriptor<int64_t, std::vector<Sale>>(internal::kWindowContents));
  SetKey(0);
  EXPECT_EQ(slices.Keys(), std::vector<int64_t>{0});
  EXPECT_TRUE(absl::IsDataLoss(backend_->status())) << backend_->status();
}

}  // namespace
}  // namespace weir
