#include "state/tiered/state_tier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/status_macros.h"

namespace weir {
namespace {

// After a failed materialisation, unless the task cannot go on without one.
constexpr absl::Duration kRetryPause = absl::Seconds(1);

// Versions of one list on top of each other, unless RocksDB does not have them yet.
constexpr int kLongestChain = 16;

// Evictions make room for more than one version.
size_t LowBytes(size_t memory_bytes) { return memory_bytes - memory_bytes / 16; }

}  // namespace

StateTier::StateTier(const Options& options, TierFiles& files, const Clock& clock,
                     BlockingPool& pool)
    : options_(options),
      low_bytes_(LowBytes(options.memory_bytes)),
      dirty_limit_(std::min(options.materialise_bytes, options.memory_bytes / 4)),
      clock_(clock),
      pool_(pool),
      active_(std::make_shared<Layer>(generation_, account_)),
      bound_bytes_(options.memory_bytes),
      last_materialised_(clock.Monotonic()),
      materialiser_(files, pool) {}

StateTier::~StateTier() = default;

void StateTier::Fail(const absl::Status& status) {
  status_.Update(Annotate(status, absl::StrCat("operator '", options_.operator_name, "'")));
}

void StateTier::Charged() {
  if (account_->bytes() > bound_bytes_ || active_->bytes() > dirty_limit_) attention_ = true;
}

Version* StateTier::NewVersion(absl::string_view key, const CellType* type) {
  Version* version = Version::NewAbsent(key, type, *account_);
  Charged();
  return version;
}

Version* StateTier::NewEncoded(absl::string_view key, absl::string_view bytes) {
  Version* version = Version::NewEncoded(key, bytes, *account_);
  Charged();
  return version;
}

bool StateTier::OwnInPlace(RocksFamily family, Version& version) {
  if (version.generation == generation_) return true;
  if (!version.held_once()) return false;
  version.generation = generation_;
  active_->Add(family, version);
  Charged();
  return true;
}

void StateTier::OwnCopy(RocksFamily family, Version*& slot, Version* copy) {
  slot->DropBelow();
  slot->Release();
  slot = copy;
  (void)OwnInPlace(family, *slot);
}

void StateTier::DropCleanBelow(Version& append) {
  for (Version* at = &append; at->below() != nullptr; at = at->below()) {
    if (clean(*at->below())) return at->DropBelow();
  }
}

Version* StateTier::Shortened(Version* below) {
  int length = 0;
  bool whole = false;
  for (const Version* at = below; at != nullptr; at = at->below(), ++length) {
    whole = !at->is_append();
  }
  // A whole list at the end spares a look into RocksDB.
  if (below == nullptr || (whole && length < kLongestChain)) return below;
  DropCleanBelow(*below);
  if (!clean(*below)) return below;
  below->DropBelow();
  below->Release();
  return nullptr;
}

void StateTier::AddAppend(Version& version, Version* below) {
  version.MakeAppend(Shortened(below));
  version.generation = generation_;
  active_->AddAppend(version);
  Charged();
}

void StateTier::Complete(Version*& slot, Version* whole) {
  if (!active(*slot)) {
    whole->generation = slot->generation;
    slot->DropBelow();
    slot->Release();
    slot = whole;
    return;
  }
  // The layer has the whole list behind what is no append any more.
  const auto before = static_cast<int64_t>(slot->charged_bytes());
  slot->MakeAbsent();
  active_->Grow(static_cast<int64_t>(slot->charged_bytes()) - before);
  OwnCopy(RocksFamily::kState, slot, whole);
}

Version& StateTier::Own(RocksFamily family, Version*& slot) {
  WEIR_DCHECK(!slot->is_append());
  if (OwnInPlace(family, *slot)) return *slot;
  Version* copy = Version::NewAbsent(slot->key(), slot->type(), *account_);
  if (slot->form() == Version::Form::kDecoded) {
    copy->ConstructFrom(slot->cell());
  } else if (slot->present()) {
    copy->MakeMark();
  }
  OwnCopy(family, slot, copy);
  return *slot;
}

void StateTier::Delete(RocksFamily family, Version*& slot) {
  if (OwnInPlace(family, *slot)) return slot->MakeAbsent();
  OwnCopy(family, slot, Version::NewAbsent(slot->key(), slot->type(), *account_));
}

void StateTier::Attend() {
  attention_ = false;
  if (handed_out_ != nullptr) {
    const int64_t grown = handed_out_->Measure();
    if (handed_out_->generation == generation_) active_->Grow(grown);
    handed_out_ = nullptr;
    Charged();
    attention_ = false;
  }
  if (active_->bytes() > dirty_limit_ && !pausing()) Materialise();
  if (account_->bytes() > bound_bytes_) MakeRoom();
}

void StateTier::Tick() {
  BeforeAccess();
  TakeResult(/*blocked=*/false);
  if (account_->bytes() <= low_bytes_) bound_bytes_ = options_.memory_bytes;
  const bool interval = clock_.Monotonic() - last_materialised_ >= options_.materialise_interval;
  if (dirty_bytes() > 0 && (interval || dirty_bytes() >= dirty_limit_)) Materialise();
}

bool StateTier::pausing() const {
  return !last_failure_.ok() && clock_.Monotonic() - last_materialised_ < kRetryPause;
}

void StateTier::Evict() {
  if (pauses_ > 0) return;
  for (TierIndex* index : indexes_) {
    if (has_room()) return;
    index->EvictClean(*this);
  }
}

void StateTier::Reserve(size_t bytes) {
  reserved_bytes_ = std::min(bytes, low_bytes_);
  Evict();
  reserved_bytes_ = 0;
}

void StateTier::MakeRoom() {
  TakeResult(/*blocked=*/false);
  Evict();
  // All that is left is dirty: it becomes clean by being written.
  for (int round = 0; round < 2 && account_->bytes() > options_.memory_bytes; ++round) {
    Materialise();
    if (!materialiser_.busy()) break;
    materialiser_.Wait();
    TakeResult(/*blocked=*/true);
    if (!last_failure_.ok()) {
      Fail(last_failure_);
      break;
    }
    Evict();
  }
  // What frozen states hold cannot be had back; no look at it for every version then.
  bound_bytes_ = std::max(options_.memory_bytes, account_->bytes() + options_.memory_bytes / 16);
  if (has_room()) bound_bytes_ = options_.memory_bytes;
}

void StateTier::Seal() {
  if (active_->empty()) return;
  active_->Seal(states_);
  sealed_bytes_ += active_->bytes();
  layers_.push_back(std::move(active_));
  active_ = std::make_shared<Layer>(++generation_, account_);
}

void StateTier::Materialise() {
  TakeResult(/*blocked=*/false);
  if (materialiser_.busy()) return;
  Seal();
  if (layers_.empty()) return;
  last_materialised_ = clock_.Monotonic();
  // Reads must not see appends that are in memory, too. The view stays until they are known to be
  // in RocksDB: also when it fails behind the loading.
  const bool appends = std::any_of(layers_.begin(), layers_.end(),
                                   [](const LayerPtr& layer) { return layer->has_appends(); });
  if (store_ != nullptr && appends) store_->HoldView();
  materialiser_.Start(layers_);
}

void StateTier::TakeResult(bool blocked) {
  auto result = materialiser_.Take();
  if (!result.has_value()) return;
  last_failure_ = result->status();
  if (!result->ok()) {
    LogWarning("keyed state could not be written to RocksDB; it stays in memory for now",
               {{"error", result->status()}});
    return;
  }
  ++counters_.materialised;
  store_ = (*result)->store;
  store_->LetViewGo();
  base_ = (*result)->base;
  materialised_ = base_->generation;
  const auto kept = std::find_if(layers_.begin(), layers_.end(), [this](const LayerPtr& layer) {
    return layer->generation() > materialised_;
  });
  std::vector<LayerPtr> done(std::make_move_iterator(layers_.begin()),
                             std::make_move_iterator(kept));
  layers_.erase(layers_.begin(), kept);
  for (const LayerPtr& layer : done) sealed_bytes_ -= layer->bytes();
  if (!blocked) pool_.Submit([done = std::move(done)] {});
}

void StateTier::SetBase(std::shared_ptr<RocksStore> store, std::shared_ptr<const TierBase> base) {
  WEIR_CHECK(layers_.empty() && active_->empty());
  store_ = std::move(store);
  base_ = std::move(base);
  if (base_ == nullptr) return;
  materialised_ = base_->generation;
  generation_ = materialised_ + 1;
  active_ = std::make_shared<Layer>(generation_, account_);
}

}  // namespace weir
