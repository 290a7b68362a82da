#include "state/tiered/tier_files.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"

namespace weir {
namespace {

constexpr const char* kFolders[] = {"db", "pins", "logs", "load"};

bool IsTable(const std::string& name) { return absl::EndsWith(name, ".sst"); }

absl::Status LinkFiles(const TierManifest& manifest, const KeyedStateIncrement& increment,
                       const std::string& folder) {
  WEIR_RETURN_IF_ERROR(MakeLocalFolder(folder));
  for (const TierManifest::File& file : manifest.files) {
    WEIR_ASSIGN_OR_RETURN(const std::string path,
                          PathOfIncrementFile(increment, file.name, file.size_bytes));
    const std::string to = absl::StrCat(folder, "/", file.local_name);
    // Tables never change; the others are RocksDB's to write.
    WEIR_RETURN_IF_ERROR(IsTable(file.local_name) ? LinkOrCopy(path, to) : CopyLocalFile(path, to));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> PathOfIncrementFile(const KeyedStateIncrement& increment,
                                                const std::string& name, uint64_t size_bytes) {
  for (const KeyedStateFile& file : increment.files) {
    if (file.name != name) continue;
    std::error_code error;
    const uintmax_t size = std::filesystem::file_size(file.path, error);
    if (error) return absl::UnavailableError(absl::StrCat(file.path, ": ", error.message()));
    if (size == size_bytes) return file.path;
    return absl::DataLossError(absl::StrCat(file.path, " has ", size, " bytes instead of ",
                                            size_bytes, " as file '", name, "' of a checkpoint"));
  }
  return absl::DataLossError(absl::StrCat("file '", name, "' of a checkpoint is not there"));
}

TierFiles::TierFiles(RocksOptions options, std::string instance)
    : options_(std::move(options)), instance_(std::move(instance)) {}

TierFiles::~TierFiles() {
  store_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(Folder("db"), ignored);
  std::filesystem::remove_all(Folder("load"), ignored);
  // Not when increments still have files there.
  for (const char* folder : {"pins", "logs", ""}) {
    std::filesystem::remove(Folder(folder), ignored);
  }
}

absl::Status TierFiles::Prepare() {
  for (const char* name : kFolders) {
    std::error_code ignored;
    std::filesystem::remove_all(Folder(name), ignored);
  }
  return MakeLocalFolder(options_.directory);
}

absl::Status TierFiles::Link(const TierManifest& manifest, const KeyedStateIncrement& increment) {
  WEIR_RETURN_IF_ERROR(LinkFiles(manifest, increment, Folder("db")));
  for (const TierManifest::File& file : manifest.files) {
    if (IsTable(file.local_name)) restored_names_[file.local_name] = file.name;
  }
  return absl::OkStatus();
}

absl::StatusOr<TierFiles::OpenedIncrement> TierFiles::OpenIncrement(
    const TierManifest& manifest, const KeyedStateIncrement& increment) {
  OpenedIncrement opened;
  RocksOptions options = options_;
  options.directory = NextLoadPath();
  options.read_only = true;
  options.expiry = nullptr;
  opened.folder = std::make_shared<const LocalPath>(options.directory);
  WEIR_RETURN_IF_ERROR(LinkFiles(manifest, increment, options.directory));
  WEIR_ASSIGN_OR_RETURN(opened.store, RocksStore::Open(options));
  return opened;
}

absl::StatusOr<std::shared_ptr<RocksStore>> TierFiles::Store() {
  if (store_ != nullptr) return store_;
  for (const char* name : {"db", "pins", "load"}) {
    WEIR_RETURN_IF_ERROR(MakeLocalFolder(Folder(name)));
  }
  RocksOptions options = options_;
  options.directory = Folder("db");
  WEIR_ASSIGN_OR_RETURN(store_, RocksStore::Open(options));
  return store_;
}

absl::StatusOr<std::shared_ptr<const TierBase>> TierFiles::Pin(uint64_t generation) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<RocksStore> store, Store());
  const uint64_t pin = ++pins_;
  auto base = std::make_shared<TierBase>();
  base->generation = generation;
  base->folder = std::make_shared<const LocalPath>(absl::StrCat(Folder("pins"), "/", pin));
  WEIR_ASSIGN_OR_RETURN(const std::vector<RocksFile> files, store->Pin(base->folder->path()));
  for (const RocksFile& file : files) {
    TierManifest::File& to = base->files.emplace_back();
    to.local_name = file.name;
    to.size_bytes = file.size_bytes;
    const auto restored = restored_names_.find(file.name);
    if (restored != restored_names_.end()) {
      to.name = restored->second;
    } else if (file.table) {
      to.name = absl::StrCat(instance_, "/", file.name);
    } else {
      // The others are written anew by each pin.
      to.name = absl::StrCat(instance_, "/", pin, "-", file.name);
    }
  }
  return base;
}

std::string TierFiles::NextLoadPath() { return absl::StrCat(Folder("load"), "/", ++loads_); }

}  // namespace weir
