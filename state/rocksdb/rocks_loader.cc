#include "state/rocksdb/rocks_loader.h"

#include <rocksdb/sst_file_writer.h>

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "state/rocksdb/rocks_db.h"

namespace weir {

/// A sorted file that is being written.
struct RocksLoader::File {
  File(const rocksdb::Options& file_options, std::string file_path)
      : options(file_options), path(std::move(file_path)), writer(rocksdb::EnvOptions(), options) {}
  ~File() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
  const rocksdb::Options options;  // the writer keeps a reference to parts of it
  const std::string path;
  rocksdb::SstFileWriter writer;
};

namespace {

// Every store is one: RocksStore::Open makes no other.
internal::RocksDb& DbOf(RocksStore& store) { return static_cast<internal::RocksDb&>(store); }

}  // namespace

RocksLoader::RocksLoader(RocksStore& store, std::string path_prefix)
    : store_(store), path_prefix_(std::move(path_prefix)) {}

RocksLoader::~RocksLoader() = default;

absl::Status RocksLoader::Begin(RocksFamily family) {
  std::unique_ptr<File>& file = files_[static_cast<size_t>(family)];
  if (file != nullptr) return absl::OkStatus();
  file = std::make_unique<File>(DbOf(store_).FileOptions(family),
                                absl::StrCat(path_prefix_, "-", static_cast<int>(family), ".sst"));
  return DbOf(store_).StatusOf(file->writer.Open(file->path));
}

absl::Status RocksLoader::Put(RocksFamily family, absl::string_view key, absl::string_view value) {
  WEIR_RETURN_IF_ERROR(Begin(family));
  return DbOf(store_).StatusOf(files_[static_cast<size_t>(family)]->writer.Put(
      internal::SliceOf(key), internal::SliceOf(value)));
}

absl::Status RocksLoader::Append(RocksFamily family, absl::string_view key,
                                 absl::string_view value) {
  WEIR_CHECK(family == RocksFamily::kState);
  WEIR_RETURN_IF_ERROR(Begin(family));
  return DbOf(store_).StatusOf(files_[static_cast<size_t>(family)]->writer.Merge(
      internal::SliceOf(key), internal::SliceOf(value)));
}

absl::Status RocksLoader::Delete(RocksFamily family, absl::string_view key) {
  WEIR_RETURN_IF_ERROR(Begin(family));
  return DbOf(store_).StatusOf(
      files_[static_cast<size_t>(family)]->writer.Delete(internal::SliceOf(key)));
}

absl::Status RocksLoader::Add(StoreChange kind, RocksFamily family, absl::string_view key,
                              absl::string_view value) {
  switch (kind) {
    case StoreChange::kPut:
      return Put(family, key, value);
    case StoreChange::kDelete:
      return Delete(family, key);
    case StoreChange::kAppend:
      return Append(family, key, value);
  }
  return absl::InternalError("a change of no kind");
}

absl::Status RocksLoader::Finish() {
  internal::RocksDb& db = DbOf(store_);
  std::vector<rocksdb::IngestExternalFileArg> arguments;
  for (const RocksFamily family : {RocksFamily::kState, RocksFamily::kTimers}) {
    const std::unique_ptr<File>& file = files_[static_cast<size_t>(family)];
    if (file == nullptr) continue;
    WEIR_RETURN_IF_ERROR(db.StatusOf(file->writer.Finish()));
    rocksdb::IngestExternalFileArg& argument = arguments.emplace_back();
    argument.column_family = db.family(family);
    argument.external_files = {file->path};
    argument.options.move_files = true;
    argument.options.write_global_seqno = false;
  }
  if (arguments.empty()) return absl::OkStatus();
  return db.StatusOf(db.db().IngestExternalFiles(arguments));
}

}  // namespace weir
