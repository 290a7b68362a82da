#include "state/tiered/tier_frozen_state.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "state/tiered/canonical_writer.h"
#include "state/tiered/tier_manifest.h"

namespace weir {

TierFrozenState::TierFrozenState(std::shared_ptr<std::atomic<int>> unwritten)
    : unwritten_(std::move(unwritten)) {
  unwritten_->fetch_add(1, std::memory_order_relaxed);
}

void TierFrozenState::Written() const {
  if (counted_.exchange(false)) unwritten_->fetch_sub(1, std::memory_order_release);
}

absl::Status TierFrozenState::Annotated(const absl::Status& status) const {
  return Annotate(status, absl::StrCat("operator '", operator_name, "'"));
}

absl::StatusOr<KeyedStateIncrement> TierFrozenState::MakeIncrement() const {
  TierManifest manifest;
  manifest.max_parallelism = max_parallelism;
  manifest.range = range;
  manifest.key_schema = key_schema;
  manifest.watermarks_micros = watermarks_micros;
  manifest.states = states->all();
  KeyedStateIncrement increment;
  if (base != nullptr) {
    manifest.files = base->files;
    for (const TierManifest::File& file : base->files) {
      increment.files.push_back({file.name, file.size_bytes,
                                 absl::StrCat(base->folder->path(), "/", file.local_name),
                                 base->folder});
    }
  }
  // It goes with the backend when it is empty.
  WEIR_RETURN_IF_ERROR(MakeLocalFolder(log_folder));
  for (const LayerPtr& layer : layers) {
    const std::string name = absl::StrCat(layer->generation(), ".log");
    WEIR_ASSIGN_OR_RETURN(const LayerLog log, layer->WriteLog(absl::StrCat(log_folder, "/", name),
                                                              absl::StrCat(instance, "/", name)));
    manifest.logs.push_back({log.name, log.size_bytes});
    increment.files.push_back({log.name, log.size_bytes, log.file->path(), log.file});
  }
  increment.manifest = EncodeTierManifest(manifest);
  return increment;
}

absl::StatusOr<KeyedStateIncrement> TierFrozenState::WriteIncrement() const {
  absl::StatusOr<KeyedStateIncrement> increment = MakeIncrement();
  if (!increment.ok()) return Annotated(increment.status());
  Written();
  return increment;
}

absl::StatusOr<std::string> TierFrozenState::Write() const {
  std::unique_ptr<RocksStore> store;
  if (base != nullptr) {
    RocksOptions options = rocks;
    options.directory = base->folder->path();
    options.read_only = true;
    absl::StatusOr<std::unique_ptr<RocksStore>> opened = RocksStore::Open(options);
    if (!opened.ok()) return Annotated(opened.status());
    store = *std::move(opened);
  }
  absl::StatusOr<std::string> snapshot =
      CanonicalWriter({max_parallelism, range, key_schema, now_micros, watermarks_micros}, *states,
                      layers, store.get())
          .Write();
  if (!snapshot.ok()) return Annotated(snapshot.status());
  Written();
  return snapshot;
}

}  // namespace weir
