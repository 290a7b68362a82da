#include "state/rocksdb/rocks_options.h"

#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <utility>

#include "absl/strings/str_cat.h"

#include "state/rocksdb/rocks_append.h"

namespace weir::internal {
namespace {

constexpr uint64_t kTableBytes = 32u << 20;
constexpr double kBloomBitsPerKey = 10;

/// RocksDB's own log files would grow beside the data; its errors come back as statuses.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class ExpiryFilter final : public rocksdb::CompactionFilter {
 public:
  explicit ExpiryFilter(std::shared_ptr<const RocksExpiry> expiry) : expiry_(std::move(expiry)) {}
  const char* Name() const override { return "weir.expiry"; }
  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    return expiry_->Expired(ViewOf(key), ViewOf(value));
  }

 private:
  const std::shared_ptr<const RocksExpiry> expiry_;
};

}  // namespace

absl::Status StatusOf(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = absl::StrCat("RocksDB in ", directory, ": ", status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(text);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(text);
  return absl::UnavailableError(text);
}

rocksdb::DBOptions DbOptionsOf(const RocksOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  if (options.env != nullptr) db.env = options.env;
  db.info_log = std::make_shared<SilentLogger>();
  db.max_background_jobs = 2;
  db.write_buffer_manager =
      std::make_shared<rocksdb::WriteBufferManager>(options.write_buffer_bytes);
  // There is nothing in the memtables that is not in layers or files.
  db.avoid_flush_during_shutdown = true;
  return db;
}

rocksdb::ColumnFamilyOptions FamilyOptionsOf(const RocksOptions& options, RocksFamily family,
                                             const std::shared_ptr<rocksdb::Cache>& cache,
                                             const rocksdb::CompactionFilter* filter) {
  rocksdb::ColumnFamilyOptions column;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  // In parts: as one block, those of a large table do not fit into a shard of the cache, and would
  // be read again by every look-up.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  // Timers are scanned, never looked up.
  if (family == RocksFamily::kState) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
    column.compaction_filter = filter;
    column.merge_operator = MakeAppendOperator();
  }
  column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  column.write_buffer_size = options.write_buffer_bytes / kRocksFamilies;
  column.target_file_size_base = kTableBytes;
  column.level_compaction_dynamic_level_bytes = true;
  column.compression = rocksdb::kNoCompression;
  return column;
}

std::unique_ptr<rocksdb::CompactionFilter> MakeExpiryFilter(
    std::shared_ptr<const RocksExpiry> expiry) {
  if (expiry == nullptr) return nullptr;
  return std::make_unique<ExpiryFilter>(std::move(expiry));
}

}  // namespace weir::internal
