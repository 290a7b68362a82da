#pragma once

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <string>

#include "state/rocksdb/rocks_options.h"
#include "state/rocksdb/rocks_store.h"

namespace weir::internal {

/// The one implementation of RocksStore. Contracts: there.
class RocksDb final : public RocksStore {
 public:
  explicit RocksDb(const RocksOptions& options);
  ~RocksDb() override;
  absl::Status Open();

  absl::StatusOr<bool> Get(RocksFamily family, absl::string_view key,
                           std::string* value) const override;
  absl::Status MultiGet(
      RocksFamily family, absl::Span<const absl::string_view> keys,
      absl::FunctionRef<void(size_t place, absl::string_view value)> visit) const override;
  std::unique_ptr<RocksScan> Scan(RocksFamily family, absl::string_view begin,
                                  absl::string_view end) const override;
  std::unique_ptr<RocksScan> ScanPastCache(RocksFamily family, absl::string_view begin,
                                           absl::string_view end) const override;
  void HoldView() override;
  void LetViewGo() override;
  absl::StatusOr<std::vector<RocksFile>> Pin(const std::string& directory) override;
  absl::Status Resume() override;

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* family(RocksFamily family) const {
    return families_[static_cast<size_t>(family)];
  }
  /// For the files that are loaded into this family.
  rocksdb::Options FileOptions(RocksFamily family) const;
  absl::Status StatusOf(const rocksdb::Status& status) const {
    return internal::StatusOf(status, options_.directory);
  }

 private:
  rocksdb::ReadOptions Reading() const;
  std::unique_ptr<RocksScan> Scan(const rocksdb::ReadOptions& options, RocksFamily family,
                                  absl::string_view begin, absl::string_view end) const;

  const RocksOptions options_;
  const std::unique_ptr<rocksdb::CompactionFilter> filter_;
  const std::shared_ptr<rocksdb::Cache> cache_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kRocksFamilies> families_{};
  const rocksdb::Snapshot* view_ = nullptr;
};

}  // namespace weir::internal
