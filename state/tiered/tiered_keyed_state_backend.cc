#include "state/tiered/tiered_keyed_state_backend.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "state/tiered/tier_cell_table.h"
#include "state/tiered/tier_frozen_state.h"
#include "state/tiered/tier_map_table.h"

namespace weir {
namespace {

constexpr int kUnwrittenFrozenStates = 2;
// After one that has read from RocksDB.
constexpr int kPrefetchedBatches = 8;
// The clean-up lets memory be freed after so many entries.
constexpr size_t kExpiredEntries = 512;

RocksOptions RocksOptionsOf(const TieredStateOptions& options,
                            std::shared_ptr<const RocksExpiry> expiry) {
  RocksOptions rocks;
  rocks.directory = options.directory;
  rocks.block_cache_bytes = options.block_cache_bytes;
  rocks.write_buffer_bytes = options.write_buffer_bytes;
  rocks.expiry = std::move(expiry);
  rocks.env = options.env;
  return rocks;
}

bool SameDefinition(const StateDefinition& a, const StateDefinition& b) {
  return a.kind == b.kind && a.schema == b.schema && a.map_key_schema == b.map_key_schema &&
         a.ttl.duration == b.ttl.duration && a.ttl.update == b.ttl.update;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TieredKeyedStateBackend>> TieredKeyedStateBackend::Open(
    Options options, TieredStateOptions tiered, const Clock& clock, BlockingPool& pool) {
  std::unique_ptr<TieredKeyedStateBackend> backend(
      new TieredKeyedStateBackend(std::move(options), tiered, clock, pool));
  if (absl::Status status = backend->files_.Prepare(); !status.ok()) {
    return backend->Annotated(status);
  }
  return backend;
}

TieredKeyedStateBackend::TieredKeyedStateBackend(Options options, const TieredStateOptions& tiered,
                                                 const Clock& clock, BlockingPool& pool)
    : options_(std::move(options)),
      restored_bytes_(std::min(tiered.materialise_bytes, tiered.memory_bytes / 4)),
      prefetch_(tiered.prefetch),
      clock_(clock),
      current_(options_.range),
      files_(RocksOptionsOf(tiered, expiry_), tiered.instance),
      tier_({options_.operator_name, tiered.memory_bytes, tiered.materialise_bytes,
             tiered.materialise_interval},
            files_, clock, pool),
      timers_(options_.range, tier_, current_) {
  WEIR_CHECK(options_.range.first <= options_.range.end &&
             options_.range.end <= options_.max_parallelism)
      << "key groups " << options_.range.first << " to " << options_.range.end << " of "
      << options_.max_parallelism;
  tier_.AddIndex(&timers_);
  BeginBatch();
}

TieredKeyedStateBackend::~TieredKeyedStateBackend() = default;

absl::Status TieredKeyedStateBackend::Annotated(const absl::Status& status) const {
  return Annotate(status, absl::StrCat("operator '", options_.operator_name, "'"));
}

KeyRef TieredKeyedStateBackend::current_key() const {
  WEIR_CHECK(current_.is_set()) << "there is no current key";
  return current_.ref();
}

void TieredKeyedStateBackend::BeginBatch() {
  now_micros_ = absl::ToUnixMicros(clock_.Now());
  expiry_->SetNow(now_micros_);
  const uint64_t reads = tier_.counters().misses + tier_.counters().prefetched;
  if (prefetch_ && reads != reads_) {
    prefetched_batches_ = kPrefetchedBatches;
  } else if (prefetched_batches_ > 0) {
    --prefetched_batches_;
  }
  reads_ = reads;
  larger_than_caches_ = prefetch_ && tier_.account().bytes() > kUncachedStateBytes;
  tier_.SetFetches(prefetched_batches_ > 0 || !larger_than_caches_);
  tier_.Tick();
}

void TieredKeyedStateBackend::Prefetch(absl::Span<const KeyRef> keys) {
  for (auto& [name, state] : states_) state.table->PrefetchKeys(keys);
}

void TieredKeyedStateBackend::SetStates(TierStates states) {
  tier_.SetStates(std::move(states));
  expiry_->SetStates(tier_.states());
}

TieredKeyedStateBackend::Index& TieredKeyedStateBackend::IndexOf(const TierState& state) {
  const auto [found, fresh] = indexes_.try_emplace(state.id);
  if (!fresh) return found->second;
  Index& index = found->second;
  if (state.kind == StateKind::kMap) {
    index.maps = std::make_unique<MapIndex>(options_.range, state.id, tier_);
  } else {
    index.cells = std::make_unique<CellIndex>(options_.range);
  }
  tier_.AddIndex(&index.any());
  return index;
}

void TieredKeyedStateBackend::MakeTable(State& state, uint32_t id) {
  Index& index = IndexOf(*tier_.states()->Find(id));
  if (state.definition.kind == StateKind::kMap) {
    auto table = std::make_unique<TierMapTable>(state.definition, now_micros_, id, tier_,
                                                *index.maps, options_.range, current_);
    state.map_table = table.get();
    state.table = std::move(table);
  } else {
    auto table = std::make_unique<TierCellTable>(state.definition, now_micros_, id, tier_,
                                                 *index.cells, options_.range, current_);
    state.cell_table = table.get();
    state.table = std::move(table);
  }
}

TieredKeyedStateBackend::State* TieredKeyedStateBackend::Register(
    const StateDefinition& definition) {
  const auto found = states_.find(definition.name);
  if (found != states_.end()) {
    if (SameDefinition(found->second.definition, definition)) return &found->second;
    tier_.Fail(absl::InvalidArgumentError(absl::StrCat(
        "state '", definition.name, "' is asked for twice, with different types or TTLs")));
    return nullptr;
  }
  TierStates states = *tier_.states();
  const absl::StatusOr<uint32_t> id = states.Register(definition, now_micros_);
  if (!id.ok()) {
    tier_.Fail(id.status());
    return nullptr;
  }
  SetStates(std::move(states));
  State& state = states_[definition.name];
  state.definition = definition;
  MakeTable(state, *id);
  return &state;
}

CellTable* TieredKeyedStateBackend::RegisterCells(const StateDefinition& definition) {
  State* state = Register(definition);
  return state == nullptr ? nullptr : state->cell_table;
}

MapTable* TieredKeyedStateBackend::RegisterMap(const StateDefinition& definition) {
  State* state = Register(definition);
  return state == nullptr ? nullptr : state->map_table;
}

void TieredKeyedStateBackend::ForEachKey(
    absl::string_view name, absl::FunctionRef<void(uint32_t group, absl::string_view key)> visit) {
  const auto found = states_.find(std::string(name));
  if (found == states_.end()) return;
  if (found->second.map_table == nullptr) {
    return found->second.table->ForEachEntry(
        [&](absl::string_view key) { visit(GroupOfTierKey(key), key.substr(kTierPrefixSize)); });
  }
  std::set<std::pair<uint32_t, std::string>> keys;
  found->second.table->ForEachEntry([&](absl::string_view key) {
    std::string user_key;
    absl::string_view map_key;
    if (SplitMapKey(key, &user_key, &map_key)) keys.emplace(GroupOfTierKey(key), user_key);
  });
  for (const auto& [group, key] : keys) visit(group, key);
}

size_t TieredKeyedStateBackend::num_entries() const {
  size_t entries = 0;
  for (const auto& [name, state] : states_) {
    state.table->ForEachEntry([&entries](absl::string_view) { ++entries; });
  }
  return entries;
}

void TieredKeyedStateBackend::CleanUpExpired(size_t entries) {
  auto at = states_.lower_bound(next_cleaned_);
  for (size_t visited = 0; visited < states_.size() && entries > 0; ++visited, ++at) {
    if (at == states_.end()) at = states_.begin();
    next_cleaned_ = at->first;
    if (!at->second.definition.has_ttl()) continue;
    entries = Expire(*at->second.table, entries);
    if (entries == 0) return;
  }
  if (at == states_.end()) next_cleaned_.clear();
}

size_t TieredKeyedStateBackend::Expire(TierTable& table, size_t entries) {
  const int64_t oldest_micros = tier_.states()->Find(table.id())->OldestMicros(now_micros_);
  while (entries > 0) {
    const size_t page = std::min(entries, kExpiredEntries);
    const size_t left = table.Expire(oldest_micros, page);
    entries -= page;
    if (left > 0) return entries + left;
  }
  return 0;
}

absl::StatusOr<std::unique_ptr<FrozenState>> TieredKeyedStateBackend::Freeze() {
  tier_.BeforeAccess();
  if (!status().ok()) return status();
  if (unwritten_->load(std::memory_order_acquire) >= kUnwrittenFrozenStates) {
    return Annotated(absl::UnavailableError(
        absl::StrCat("the checkpoint is declined: the state of ", kUnwrittenFrozenStates,
                     " earlier ones is not yet written to ", files_.directory())));
  }
  tier_.Seal();
  auto frozen = std::make_unique<TierFrozenState>(unwritten_);
  frozen->operator_name = options_.operator_name;
  frozen->max_parallelism = options_.max_parallelism;
  frozen->range = options_.range;
  frozen->key_schema = options_.key_schema;
  frozen->now_micros = now_micros_;
  frozen->watermarks_micros = timers_.watermarks();
  frozen->states = tier_.states();
  frozen->base = tier_.base();
  frozen->layers = tier_.layers();
  frozen->rocks = files_.options();
  frozen->log_folder = files_.log_folder();
  frozen->instance = files_.instance();
  return frozen;
}

absl::Status TieredKeyedStateBackend::Restore(absl::Span<const absl::string_view> snapshots) {
  if (snapshots.empty()) return absl::OkStatus();
  return Take(TierRestore(options_, files_, restored_bytes_, now_micros_).Canonical(snapshots));
}

absl::Status TieredKeyedStateBackend::RestoreIncrements(
    absl::Span<const KeyedStateIncrement> increments) {
  std::vector<absl::string_view> snapshots;
  for (const KeyedStateIncrement& increment : increments) {
    if (IsCanonicalSnapshot(increment.manifest)) snapshots.push_back(increment.manifest);
  }
  if (snapshots.size() == increments.size()) return Restore(snapshots);
  if (!snapshots.empty()) {
    return Annotated(absl::FailedPreconditionError(
        "the checkpoint is in part of the backend in memory, in part of the RocksDB backend"));
  }
  return Take(TierRestore(options_, files_, restored_bytes_, now_micros_).Increments(increments));
}

absl::Status TieredKeyedStateBackend::Take(absl::StatusOr<RestoredTier> restored) {
  if (!restored.ok()) return Annotated(restored.status());
  // The states that were asked for get the numbers that the checkpoint has for them.
  std::map<std::string, uint32_t> ids;
  for (const auto& [name, state] : states_) {
    const absl::StatusOr<uint32_t> id = restored->states.Register(state.definition, now_micros_);
    if (!id.ok()) return Annotated(id.status());
    ids[name] = *id;
  }
  SetStates(std::move(restored->states));
  std::map<uint32_t, Index> renumbered;
  for (auto& [name, state] : states_) {
    Index& index = renumbered[ids[name]];
    index = std::move(indexes_[state.table->id()]);
    if (index.maps != nullptr) index.maps->Renumber(ids[name]);
    state.table->Renumber(ids[name]);
  }
  indexes_ = std::move(renumbered);
  tier_.SetBase(restored->store, restored->base);
  TakeChanges(*restored);
  for (uint32_t group = options_.range.first; group < options_.range.end; ++group) {
    timers_.RestoreWatermark(group, restored->watermarks_micros[group - options_.range.first]);
  }
  timers_.LoadHeads();
  return status();
}

void TieredKeyedStateBackend::TakeChanges(const RestoredTier& restored) {
  for (const TierChange& change : restored.changes) {
    const bool deleted = change.kind == StoreChange::kDelete;
    Version* version = deleted || change.family == RocksFamily::kTimers
                           ? tier_.NewVersion(change.key, nullptr)
                           : tier_.NewEncoded(change.key, change.value);
    if (change.family == RocksFamily::kTimers && !deleted) version->MakeMark();
    if (change.kind == StoreChange::kAppend) {
      tier_.AddAppend(*version, /*below=*/nullptr);
    } else {
      (void)tier_.Own(change.family, version);
    }
    if (change.family == RocksFamily::kTimers) {
      timers_.Insert(version);
    } else {
      IndexOf(*tier_.states()->Find(StateOfTierKey(change.key))).any().Insert(version);
    }
  }
  tier_.Seal();
}

}  // namespace weir
