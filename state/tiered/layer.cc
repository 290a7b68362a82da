#include "state/tiered/layer.h"

#include <utility>

#include "common/base/status_macros.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

// Of a version in a layer, whose vector doubles.
constexpr size_t kSlotBytes = 2 * sizeof(Version*);

StoreChange KindOf(const Version& version) {
  if (version.is_append()) return StoreChange::kAppend;
  return version.present() ? StoreChange::kPut : StoreChange::kDelete;
}

}  // namespace

Layer::~Layer() {
  for (const auto& versions : versions_) {
    account_->Subtract(versions.size() * kSlotBytes);
    for (Version* version : versions) version->Release();
  }
}

void Layer::Add(RocksFamily family, Version& version) {
  version.Hold();
  account_->Add(kSlotBytes);
  versions_[static_cast<size_t>(family)].push_back(&version);
  bytes_ += version.charged_bytes();
}

void Layer::EncodeValue(const Version& version, std::string* out) const {
  if (version.form() == Version::Form::kDecoded) {
    states_->Find(StateOfTierKey(version.key()))->Encode(version.cell(), out);
  } else {
    out->append(version.encoded().data(), version.encoded().size());
  }
}

absl::Status Layer::EncodeToStore(const Version& version, std::string* out) const {
  EncodeValue(version, out);
  // Timers have no values.
  return out->empty() ? absl::OkStatus() : states_->CheckSize(version.key(), out->size());
}

absl::StatusOr<uint64_t> Layer::WriteFile(const std::string& path) const {
  WEIR_ASSIGN_OR_RETURN(const auto file, LocalFileWriter::Open(path));
  DirtyLogEncoder log;
  uint64_t size = 0;
  const auto write = [&]() -> absl::Status {
    size += log.bytes().size();
    WEIR_RETURN_IF_ERROR(file->Append(log.bytes()));
    log.bytes().clear();
    return absl::OkStatus();
  };
  log.Begin(generation_);
  std::string value;
  for (const RocksFamily family : {RocksFamily::kState, RocksFamily::kTimers}) {
    for (const Version* version : versions(family)) {
      value.clear();
      if (version->present()) WEIR_RETURN_IF_ERROR(EncodeToStore(*version, &value));
      log.Add({family, KindOf(*version), version->key(), value});
      if (log.bytes().size() >= DirtyLogEncoder::kBlockBytes) WEIR_RETURN_IF_ERROR(write());
    }
  }
  log.End();
  WEIR_RETURN_IF_ERROR(write());
  WEIR_RETURN_IF_ERROR(file->Finish());
  return size;
}

absl::StatusOr<LayerLog> Layer::WriteLog(const std::string& path, const std::string& name) const {
  MutexLock lock(log_mutex_);
  if (log_.file != nullptr) return log_;
  WEIR_ASSIGN_OR_RETURN(const uint64_t size, WriteFile(path));
  log_ = {std::make_shared<const LocalPath>(path), name, size};
  return log_;
}

}  // namespace weir
