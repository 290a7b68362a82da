#include "state/rocksdb/rocks_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "state/rocksdb/rocks_db.h"

namespace weir {
namespace internal {
namespace {

// The first one is RocksDB's default, which is always there.
constexpr const char* kFamilyNames[kRocksFamilies] = {"default", "timers"};

class DbScan final : public RocksScan {
 public:
  DbScan(const RocksDb& db, std::unique_ptr<rocksdb::Iterator> at, std::string end)
      : db_(db), at_(std::move(at)), end_(std::move(end)) {}
  bool valid() const override {
    return at_->Valid() && (end_.empty() || ViewOf(at_->key()) < absl::string_view(end_));
  }
  absl::string_view key() const override { return ViewOf(at_->key()); }
  absl::string_view value() const override { return ViewOf(at_->value()); }
  void Next() override { at_->Next(); }
  absl::Status status() const override { return db_.StatusOf(at_->status()); }

 private:
  const RocksDb& db_;
  const std::unique_ptr<rocksdb::Iterator> at_;
  const std::string end_;
};

}  // namespace

RocksDb::RocksDb(const RocksOptions& options)
    : options_(options),
      filter_(MakeExpiryFilter(options.expiry)),
      cache_(rocksdb::NewLRUCache(options.block_cache_bytes)) {}

RocksDb::~RocksDb() {
  if (db_ == nullptr) return;
  LetViewGo();
  for (rocksdb::ColumnFamilyHandle* handle : families_) {
    (void)db_->DestroyColumnFamilyHandle(handle);
  }
  (void)db_->Close();
}

absl::Status RocksDb::Open() {
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const RocksFamily family : {RocksFamily::kState, RocksFamily::kTimers}) {
    families.emplace_back(kFamilyNames[static_cast<size_t>(family)],
                          FamilyOptionsOf(options_, family, cache_, filter_.get()));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions db_options = DbOptionsOf(options_);
  const rocksdb::Status status =
      options_.read_only
          ? rocksdb::DB::OpenForReadOnly(db_options, options_.directory, families, &handles, &db)
          : rocksdb::DB::Open(db_options, options_.directory, families, &handles, &db);
  if (!status.ok()) return StatusOf(status);
  db_.reset(db);
  std::copy(handles.begin(), handles.end(), families_.begin());
  return absl::OkStatus();
}

rocksdb::ReadOptions RocksDb::Reading() const {
  rocksdb::ReadOptions options;
  options.snapshot = view_;
  return options;
}

void RocksDb::HoldView() {
  if (view_ == nullptr) view_ = db_->GetSnapshot();
}

void RocksDb::LetViewGo() {
  if (view_ != nullptr) db_->ReleaseSnapshot(std::exchange(view_, nullptr));
}

absl::StatusOr<bool> RocksDb::Get(RocksFamily of, absl::string_view key, std::string* value) const {
  rocksdb::PinnableSlice pinned;
  const rocksdb::Status status = db_->Get(Reading(), family(of), SliceOf(key), &pinned);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return StatusOf(status);
  value->assign(pinned.data(), pinned.size());
  return true;
}

absl::Status RocksDb::MultiGet(
    RocksFamily of, absl::Span<const absl::string_view> keys,
    absl::FunctionRef<void(size_t place, absl::string_view value)> visit) const {
  std::vector<rocksdb::Slice> slices;
  slices.reserve(keys.size());
  for (const absl::string_view key : keys) slices.push_back(SliceOf(key));
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  db_->MultiGet(Reading(), family(of), keys.size(), slices.data(), values.data(), statuses.data(),
                /*sorted_input=*/true);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].IsNotFound()) continue;
    if (!statuses[i].ok()) return StatusOf(statuses[i]);
    visit(i, ViewOf(values[i]));
  }
  return absl::OkStatus();
}

std::unique_ptr<RocksScan> RocksDb::Scan(const rocksdb::ReadOptions& options, RocksFamily of,
                                         absl::string_view begin, absl::string_view end) const {
  std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family(of)));
  at->Seek(SliceOf(begin));
  return std::make_unique<DbScan>(*this, std::move(at), std::string(end));
}

std::unique_ptr<RocksScan> RocksDb::Scan(RocksFamily of, absl::string_view begin,
                                         absl::string_view end) const {
  return Scan(Reading(), of, begin, end);
}

std::unique_ptr<RocksScan> RocksDb::ScanPastCache(RocksFamily of, absl::string_view begin,
                                                  absl::string_view end) const {
  rocksdb::ReadOptions options = Reading();
  options.fill_cache = false;
  return Scan(options, of, begin, end);
}

absl::StatusOr<std::vector<RocksFile>> RocksDb::Pin(const std::string& directory) {
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(db_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
  if (!status.ok()) return StatusOf(status);
  std::vector<RocksFile> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    RocksFile& file = files.emplace_back();
    file.name = at->path().filename().string();
    file.table = at->path().extension() == ".sst";
    file.size_bytes = at->file_size(error);
  }
  if (error) return absl::UnavailableError(absl::StrCat(directory, ": ", error.message()));
  std::sort(files.begin(), files.end(),
            [](const RocksFile& a, const RocksFile& b) { return a.name < b.name; });
  return files;
}

absl::Status RocksDb::Resume() { return StatusOf(db_->Resume()); }

rocksdb::Options RocksDb::FileOptions(RocksFamily of) const {
  return {DbOptionsOf(options_), FamilyOptionsOf(options_, of, cache_, nullptr)};
}

}  // namespace internal

absl::StatusOr<std::unique_ptr<RocksStore>> RocksStore::Open(const RocksOptions& options) {
  auto db = std::make_unique<internal::RocksDb>(options);
  WEIR_RETURN_IF_ERROR(db->Open());
  return std::unique_ptr<RocksStore>(std::move(db));
}

}  // namespace weir
