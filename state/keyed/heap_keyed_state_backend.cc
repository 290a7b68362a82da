#include "state/keyed/heap_keyed_state_backend.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

#include "common/base/check.h"
#include "common/base/status_macros.h"
#include "state/keyed/restore_checks.h"
#include "state/keyed/state_compatibility.h"

namespace weir {
namespace {

constexpr int kBatchesBetweenSizes = 64;

// What was written then or earlier has expired.
int64_t OldestMicros(const StateDefinition& definition, int64_t now_micros) {
  if (!definition.has_ttl()) return INT64_MIN;
  int64_t oldest = 0;
  const bool overflow =
      __builtin_sub_overflow(now_micros, definition.ttl.duration.count(), &oldest);
  return overflow ? INT64_MIN : oldest;
}

absl::Status Damaged(const SnapshotState& state) {
  return absl::DataLossError(
      absl::StrCat("a value of state '", state.name, "' in a snapshot cannot be decoded"));
}

bool SameDefinition(const StateDefinition& a, const StateDefinition& b) {
  return a.kind == b.kind && a.schema == b.schema && a.map_key_schema == b.map_key_schema &&
         a.ttl.duration == b.ttl.duration && a.ttl.update == b.ttl.update;
}

}  // namespace

HeapKeyedStateBackend::HeapKeyedStateBackend(Options options, const Clock& clock)
    : options_(std::move(options)),
      clock_(clock),
      current_(options_.range),
      timers_(options_.range, current_) {
  WEIR_CHECK(options_.range.first <= options_.range.end &&
             options_.range.end <= options_.max_parallelism)
      << "key groups " << options_.range.first << " to " << options_.range.end << " of "
      << options_.max_parallelism;
  BeginBatch();
}

HeapKeyedStateBackend::~HeapKeyedStateBackend() = default;

absl::Status HeapKeyedStateBackend::Annotated(const absl::Status& status) const {
  return Annotate(status, absl::StrCat("operator '", options_.operator_name, "'"));
}

KeyRef HeapKeyedStateBackend::current_key() const {
  WEIR_CHECK(current_.is_set()) << "there is no current key";
  return current_.ref();
}

void HeapKeyedStateBackend::BeginBatch() {
  now_micros_ = absl::ToUnixMicros(clock_.Now());
  if (batches_to_size_-- > 0) return;
  batches_to_size_ = kBatchesBetweenSizes;
  prefetches_ = LargerThanCaches();
}

bool HeapKeyedStateBackend::LargerThanCaches() const {
  size_t bytes = 0;
  for (const auto& [name, state] : states_) bytes += state.cells->bytes();
  return bytes > kUncachedStateBytes;
}

void HeapKeyedStateBackend::Prefetch(absl::Span<const KeyRef> keys) {
  for (auto& [name, state] : states_) {
    if (state.map_table == nullptr) state.cells->Prefetch(keys);
  }
}

HeapKeyedStateBackend::State HeapKeyedStateBackend::MakeState(
    const StateDefinition& definition) const {
  State state;
  std::shared_ptr<const CellType> type;
  if (definition.kind == StateKind::kMap) {
    type = std::make_shared<const HeapMapType>(*definition.cell_type);
  } else {
    type = std::shared_ptr<const CellType>(std::shared_ptr<void>(), definition.cell_type);
  }
  state.cells = std::make_unique<HeapTable>(std::move(type), definition.name, options_.range.size(),
                                            current_);
  if (definition.kind == StateKind::kMap) {
    state.map_table = std::make_unique<HeapMapTable>(definition, now_micros_, *state.cells);
  } else {
    state.cell_table = std::make_unique<HeapCellTable>(definition, now_micros_, *state.cells);
  }
  return state;
}

HeapKeyedStateBackend::State* HeapKeyedStateBackend::Register(const StateDefinition& definition) {
  const auto found = states_.find(definition.name);
  if (found != states_.end()) {
    if (SameDefinition(found->second.definition(), definition)) return &found->second;
    status_.Update(Annotated(absl::InvalidArgumentError(absl::StrCat(
        "state '", definition.name, "' is asked for twice, with different types or TTLs"))));
    return nullptr;
  }
  State& state = states_.emplace(definition.name, MakeState(definition)).first->second;
  const absl::Status taken = TakeUnclaimed(state);
  if (taken.ok()) return &state;
  status_.Update(Annotated(taken));
  states_.erase(definition.name);
  return nullptr;
}

CellTable* HeapKeyedStateBackend::RegisterCells(const StateDefinition& definition) {
  State* state = Register(definition);
  return state == nullptr ? nullptr : state->cell_table.get();
}

MapTable* HeapKeyedStateBackend::RegisterMap(const StateDefinition& definition) {
  State* state = Register(definition);
  return state == nullptr ? nullptr : state->map_table.get();
}

void HeapKeyedStateBackend::ForEachKey(
    absl::string_view state, absl::FunctionRef<void(uint32_t group, absl::string_view key)> visit) {
  const auto found = states_.find(std::string(state));
  if (found == states_.end()) return;
  const auto& groups = found->second.cells->groups();
  for (size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].has_value()) continue;
    const uint32_t group = options_.range.first + static_cast<uint32_t>(i);
    groups[i].get()->ForEach([&](absl::string_view key, const void*) { visit(group, key); });
  }
}

size_t HeapKeyedStateBackend::num_entries() const {
  size_t entries = 0;
  for (const auto& [name, state] : states_) {
    for (const HeapTable::Group& group : state.cells->groups()) {
      if (!group.has_value()) continue;
      if (state.map_table == nullptr) {
        entries += group.get()->size();
        continue;
      }
      group.get()->ForEach([&entries](absl::string_view, const void* cell) {
        entries += static_cast<const HeapMap*>(cell)->size();
      });
    }
  }
  return entries;
}

void HeapKeyedStateBackend::CleanUpExpired(size_t entries) {
  auto at = states_.lower_bound(next_cleaned_);
  for (size_t visited = 0; visited < states_.size() && entries > 0; ++visited, ++at) {
    if (at == states_.end()) at = states_.begin();
    next_cleaned_ = at->first;
    const StateDefinition& definition = at->second.definition();
    if (!definition.has_ttl()) continue;
    entries = at->second.cells->Expire(OldestMicros(definition, now_micros_), entries);
    if (entries == 0) return;
  }
  if (at == states_.end()) next_cleaned_.clear();
}

absl::StatusOr<std::unique_ptr<FrozenState>> HeapKeyedStateBackend::Freeze() {
  auto frozen = std::make_unique<HeapFrozenState>();
  frozen->max_parallelism = options_.max_parallelism;
  frozen->range = options_.range;
  frozen->key_schema = options_.key_schema;
  for (const auto& [name, state] : states_) {
    HeapFrozenState::State& to = frozen->states.emplace_back();
    to.info = DescribeState(state.definition());
    to.entry_type = state.definition().cell_type;
    to.oldest_micros = OldestMicros(state.definition(), now_micros_);
    to.groups.reserve(state.cells->groups().size());
    for (const HeapTable::Group& group : state.cells->groups()) to.groups.push_back(group.Freeze());
  }
  frozen->unclaimed.assign(unclaimed_.begin(), unclaimed_.end());
  for (const TimeDomain domain : {TimeDomain::kEventTime, TimeDomain::kProcessingTime}) {
    auto& to = frozen->timers[static_cast<size_t>(domain)];
    to.reserve(options_.range.size());
    for (const auto& group : timers_.queue(domain).groups()) to.push_back(group.Freeze());
  }
  frozen->watermarks_micros = timers_.watermarks();
  return frozen;
}

absl::Status HeapKeyedStateBackend::RestoreEntry(State& state, const SnapshotState& written,
                                                 SchemaCompatibility schemas, size_t group_index,
                                                 const SnapshotEntry& entry) {
  const StateDefinition& definition = state.definition();
  HeapGroup& group = state.cells->ChangeGroup(group_index);
  const size_t size_before = group.size();
  void* cell = group.FindOrCreate(StableHash64(entry.key), entry.key);
  if (definition.kind == StateKind::kMap) {
    auto* map = static_cast<HeapMap*>(cell);
    if (map->Find(entry.map_key) != nullptr || !definition.is_map_key(entry.map_key)) {
      return Damaged(written);
    }
    cell = map->FindOrCreate(entry.map_key);
  } else if (group.size() == size_before) {
    return Damaged(written);
  }
  const WrittenCell form{schemas == SchemaCompatibility::kSame ? nullptr : &written.schema,
                         written.stamped};
  const int64_t stamp = definition.has_ttl() ? now_micros_ : kNoStamp;
  const bool decoded = definition.cell_type->Decode(entry.value, form, stamp, cell);
  return decoded ? absl::OkStatus() : Damaged(written);
}

UnclaimedState& HeapKeyedStateBackend::UnclaimedOf(const SnapshotState& info) {
  for (const auto& state : unclaimed_) {
    if (state->info == info) return *state;
  }
  unclaimed_.push_back(std::make_shared<UnclaimedState>());
  unclaimed_.back()->info = info;
  return *unclaimed_.back();
}

absl::Status HeapKeyedStateBackend::TakeUnclaimed(State& state) {
  const StateDefinition& definition = state.definition();
  for (const auto& from : unclaimed_) {
    if (from->info.name != definition.name) continue;
    WEIR_ASSIGN_OR_RETURN(const SchemaCompatibility schemas,
                          CheckStateCompatible(from->info, definition));
    for (const auto& [group, entries] : from->groups) {
      for (const UnclaimedState::Entry& entry : entries) {
        WEIR_RETURN_IF_ERROR(RestoreEntry(state, from->info, schemas, group - options_.range.first,
                                          {entry.key, entry.map_key, entry.value}));
      }
    }
  }
  unclaimed_.erase(
      std::remove_if(unclaimed_.begin(), unclaimed_.end(),
                     [&](const auto& from) { return from->info.name == definition.name; }),
      unclaimed_.end());
  return absl::OkStatus();
}

/// Puts the section of one group into the backend.
class HeapKeyedStateBackend::SectionReader final : public SnapshotSectionReader {
 public:
  SectionReader(HeapKeyedStateBackend& backend, const SnapshotHeader& header)
      : backend_(backend), header_(header) {}

  /// For each state of the header: where it goes, and whether it can.
  absl::Status Prepare() {
    for (const SnapshotState& state : header_.states) {
      Target& target = targets_.emplace_back();
      const auto found = backend_.states_.find(state.name);
      if (found == backend_.states_.end()) {
        target.unclaimed = &backend_.UnclaimedOf(state);
        continue;
      }
      target.state = &found->second;
      WEIR_ASSIGN_OR_RETURN(target.schemas,
                            CheckStateCompatible(state, target.state->definition()));
    }
    return absl::OkStatus();
  }
  void BeginGroup(uint32_t group) { group_ = group; }

  absl::Status OnWatermark(EventTime watermark) override {
    backend_.timers_.RestoreWatermark(Index(), watermark);
    return absl::OkStatus();
  }
  absl::Status OnEntry(size_t state, const SnapshotEntry& entry) override {
    WEIR_RETURN_IF_ERROR(CheckGroup(entry.key));
    Target& target = targets_[state];
    if (target.state != nullptr) {
      return backend_.RestoreEntry(*target.state, header_.states[state], target.schemas, Index(),
                                   entry);
    }
    target.unclaimed->groups[group_].push_back(
        {std::string(entry.key), std::string(entry.map_key), std::string(entry.value)});
    return absl::OkStatus();
  }
  absl::Status OnTimer(TimeDomain domain, const SnapshotTimer& timer) override {
    WEIR_RETURN_IF_ERROR(CheckGroup(timer.key));
    const bool added =
        backend_.timers_.Restore(domain, Index(), {timer.time_micros, timer.key, timer.name_space});
    return added ? absl::OkStatus() : absl::DataLossError("a snapshot has a timer twice");
  }

 private:
  struct Target {
    State* state = nullptr;
    SchemaCompatibility schemas = SchemaCompatibility::kSame;
    UnclaimedState* unclaimed = nullptr;
  };

  size_t Index() const { return group_ - backend_.options_.range.first; }
  absl::Status CheckGroup(absl::string_view key) const {
    return CheckKeyInGroup(backend_.options_, key, group_);
  }

  HeapKeyedStateBackend& backend_;
  const SnapshotHeader& header_;
  std::vector<Target> targets_;
  uint32_t group_ = 0;
};

absl::Status HeapKeyedStateBackend::RestoreSnapshot(const SnapshotHeader& header,
                                                    absl::string_view snapshot) {
  SectionReader reader(*this, header);
  WEIR_RETURN_IF_ERROR(reader.Prepare());
  for (const SnapshotHeader::Group& group : header.groups) {
    if (!options_.range.Contains(group.group)) continue;
    WEIR_ASSIGN_OR_RETURN(const absl::string_view section, ReadSnapshotSection(snapshot, group));
    reader.BeginGroup(group.group);
    WEIR_RETURN_IF_ERROR(DecodeSnapshotSection(header, section, reader));
  }
  return absl::OkStatus();
}

absl::Status HeapKeyedStateBackend::Restore(absl::Span<const absl::string_view> snapshots) {
  if (snapshots.empty()) return absl::OkStatus();
  std::vector<SnapshotHeader> headers;
  std::vector<KeyGroupRange> ranges;
  for (const absl::string_view snapshot : snapshots) {
    absl::StatusOr<SnapshotHeader> header = ReadSnapshotHeader(snapshot);
    if (!header.ok()) return Annotated(header.status());
    absl::Status status = CheckSameKeying(options_, header->max_parallelism, header->key_schema);
    if (!status.ok()) return Annotated(status);
    ranges.push_back(header->range);
    headers.push_back(*std::move(header));
  }
  if (absl::Status status = CheckGroupsCovered(options_.range, ranges); !status.ok()) {
    return Annotated(status);
  }
  for (size_t i = 0; i < snapshots.size(); ++i) {
    if (absl::Status status = RestoreSnapshot(headers[i], snapshots[i]); !status.ok()) {
      return Annotated(status);
    }
  }
  return absl::OkStatus();
}

absl::Status HeapKeyedStateBackend::RestoreIncrements(
    absl::Span<const KeyedStateIncrement> increments) {
  std::vector<absl::string_view> snapshots;
  for (const KeyedStateIncrement& increment : increments) {
    if (!IsCanonicalSnapshot(increment.manifest)) {
      return Annotated(
          absl::FailedPreconditionError("the state in memory cannot be restored from a checkpoint "
                                        "of the RocksDB backend: restore it with that backend"));
    }
    snapshots.push_back(increment.manifest);
  }
  return Restore(snapshots);
}

}  // namespace weir
