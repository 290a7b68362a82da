#include "tests/bench/micro/increment_designs.h"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>
#include <vector>

#include "common/base/status_macros.h"
#include "common/time/event_time.h"
#include "state/rocksdb/rocks_db.h"
#include "state/tiered/layer_rows.h"
#include "state/tiered/materialiser.h"
#include "state/tiered/tier_frozen_state.h"

namespace weir {
namespace {

// The tier's defaults: TieredStateOptions.
constexpr size_t kMaterialiseBytes = 64u << 20;
constexpr absl::Duration kMaterialiseInterval = absl::Seconds(10);
constexpr size_t kWriteBufferBytes = 4u << 20;
// So that a memtable holds the changes of ten seconds: half of it is that of the states.
constexpr size_t kBatchWriteBufferBytes = 256u << 20;
constexpr uint32_t kBatchEntries = 1000;

// Every store is one: RocksStore::Open makes no other.
internal::RocksDb& DbOf(RocksStore& store) { return static_cast<internal::RocksDb&>(store); }

class LogDesign final : public IncrementDesign {
 public:
  LogDesign(const std::string& directory, ChangingState& state, BlockingPool& pool)
      : IncrementDesign(directory, kWriteBufferBytes, state, pool), materialiser_(files_, pool) {}

  absl::StatusOr<KeyedStateIncrement> Write() override {
    WEIR_RETURN_IF_ERROR(TakeResult());
    Seal();
    return MakeIncrement(layers_);
  }
  /// As StateTier::Tick.
  absl::Status Tick(absl::Duration now) override {
    WEIR_RETURN_IF_ERROR(TakeResult());
    size_t dirty_bytes = state_.active_bytes();
    for (const LayerPtr& layer : layers_) dirty_bytes += layer->bytes();
    const bool due =
        now - last_materialised_ >= kMaterialiseInterval || dirty_bytes >= kMaterialiseBytes;
    if (!due || materialiser_.busy()) return absl::OkStatus();
    Seal();
    if (layers_.empty()) return absl::OkStatus();
    last_materialised_ = now;
    materialiser_.Start(layers_);
    return absl::OkStatus();
  }
  bool busy() override {
    return (materialiser_.busy() && TakeResult().ok() && materialiser_.busy()) ||
           IncrementDesign::busy();
  }

 private:
  void Seal() {
    LayerPtr layer = state_.Seal();
    if (layer != nullptr) layers_.push_back(std::move(layer));
  }
  absl::Status TakeResult() {
    auto result = materialiser_.Take();
    if (!result.has_value()) return status_;
    status_ = result->status();
    if (!status_.ok()) return status_;
    base_ = (*result)->base;
    const auto kept = std::find_if(layers_.begin(), layers_.end(), [this](const LayerPtr& layer) {
      return layer->generation() > base_->generation;
    });
    std::vector<LayerPtr> done(std::make_move_iterator(layers_.begin()),
                               std::make_move_iterator(kept));
    layers_.erase(layers_.begin(), kept);
    pool_.Submit([done = std::move(done)] {});
    return absl::OkStatus();
  }

  std::vector<LayerPtr> layers_;  // newer than the base
  absl::Duration last_materialised_;
  absl::Status status_;
  Materialiser materialiser_;
};

class TableDesign final : public IncrementDesign {
 public:
  TableDesign(const std::string& directory, ChangingState& state, BlockingPool& pool)
      : IncrementDesign(directory, kWriteBufferBytes, state, pool) {}

  absl::StatusOr<KeyedStateIncrement> Write() override {
    if (LayerPtr layer = state_.Seal(); layer != nullptr) {
      WEIR_RETURN_IF_ERROR(Materialise(std::move(layer)));
    }
    return MakeIncrement({});
  }
  absl::Status Tick(absl::Duration) override { return absl::OkStatus(); }
};

class BatchDesign final : public IncrementDesign {
 public:
  BatchDesign(const std::string& directory, ChangingState& state, BlockingPool& pool)
      : IncrementDesign(directory, kBatchWriteBufferBytes, state, pool) {}

  absl::StatusOr<KeyedStateIncrement> Write() override {
    if (const LayerPtr layer = state_.Seal(); layer != nullptr) {
      WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<RocksStore> store, files_.Store());
      WEIR_RETURN_IF_ERROR(WriteBatches(layer, DbOf(*store)));
      WEIR_ASSIGN_OR_RETURN(base_, files_.Pin(layer->generation()));
    }
    return MakeIncrement({});
  }
  absl::Status Tick(absl::Duration) override { return absl::OkStatus(); }

 private:
  static absl::Status WriteBatches(const LayerPtr& layer, internal::RocksDb& db) {
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    rocksdb::ColumnFamilyHandle* family = db.family(RocksFamily::kState);
    rocksdb::WriteBatch batch;
    std::string value;
    // In the order of the keys: the memtable takes them faster.
    for (const LayerRow row : LayerRows({&layer, 1}, RocksFamily::kState)) {
      const rocksdb::Slice key = internal::SliceOf(row.key());
      if (row.kind() == StoreChange::kPut) {
        value.clear();
        WEIR_RETURN_IF_ERROR(row.EncodeToStore(&value));
        WEIR_RETURN_IF_ERROR(db.StatusOf(batch.Put(family, key, value)));
      } else {
        WEIR_RETURN_IF_ERROR(db.StatusOf(batch.Delete(family, key)));
      }
      if (batch.Count() < kBatchEntries) continue;
      WEIR_RETURN_IF_ERROR(db.StatusOf(db.db().Write(options, &batch)));
      batch.Clear();
    }
    WEIR_RETURN_IF_ERROR(db.StatusOf(db.db().Write(options, &batch)));
    return db.StatusOf(db.db().Flush(rocksdb::FlushOptions(), family));
  }
};

}  // namespace

std::unique_ptr<IncrementDesign> IncrementDesign::Make(absl::string_view name,
                                                       const std::string& directory,
                                                       ChangingState& state, BlockingPool& pool) {
  if (name == "log") return std::make_unique<LogDesign>(directory, state, pool);
  if (name == "batch") return std::make_unique<BatchDesign>(directory, state, pool);
  if (name == "table") return std::make_unique<TableDesign>(directory, state, pool);
  return nullptr;
}

IncrementDesign::IncrementDesign(const std::string& directory, size_t write_buffer_bytes,
                                 ChangingState& state, BlockingPool& pool)
    : state_(state),
      pool_(pool),
      files_(
          [&] {
            RocksOptions options;
            options.directory = directory;
            options.write_buffer_bytes = write_buffer_bytes;
            return options;
          }(),
          "bench") {}

KeyedStateBackend::Options IncrementDesign::BackendOptions() {
  constexpr uint32_t kGroups = ChangingState::kMaxParallelism;
  return {"bench", StateCodec<int64_t>::Schema(), kGroups, {0, kGroups}};
}

absl::StatusOr<KeyedStateIncrement> IncrementDesign::Load() {
  WEIR_RETURN_IF_ERROR(files_.Prepare());
  state_.PutAll();
  WEIR_RETURN_IF_ERROR(Materialise(state_.Seal()));
  return MakeIncrement({});
}

absl::Status IncrementDesign::Materialise(LayerPtr layer) {
  Materialiser materialiser(files_, pool_);
  materialiser.Start({std::move(layer)});
  materialiser.Wait();
  WEIR_ASSIGN_OR_RETURN(Materialiser::Result result, *materialiser.Take());
  base_ = std::move(result.base);
  return absl::OkStatus();
}

absl::StatusOr<KeyedStateIncrement> IncrementDesign::MakeIncrement(std::vector<LayerPtr> layers) {
  const KeyedStateBackend::Options options = BackendOptions();
  TierFrozenState frozen(std::make_shared<std::atomic<int>>(0));
  frozen.operator_name = options.operator_name;
  frozen.max_parallelism = options.max_parallelism;
  frozen.range = options.range;
  frozen.key_schema = options.key_schema;
  frozen.watermarks_micros.assign(options.range.size(), EventTime::Min().micros());
  frozen.states = state_.states();
  frozen.base = base_;
  frozen.layers = std::move(layers);
  frozen.rocks = files_.options();
  frozen.log_folder = files_.log_folder();
  frozen.instance = files_.instance();
  return frozen.WriteIncrement();
}

bool IncrementDesign::busy() {
  const auto store = files_.Store();
  if (!store.ok()) return false;
  internal::RocksDb& db = DbOf(**store);
  for (const char* property : {"rocksdb.num-running-compactions", "rocksdb.num-running-flushes",
                               "rocksdb.compaction-pending", "rocksdb.mem-table-flush-pending"}) {
    uint64_t count = 0;
    if (db.db().GetIntProperty(db.family(RocksFamily::kState), property, &count) && count > 0) {
      return true;
    }
  }
  return false;
}

}  // namespace weir
