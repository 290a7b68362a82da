#include "state/tiered/tier_restore.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"
#include "common/types/key_codec.h"
#include "state/keyed/restore_checks.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

/// The states of a canonical snapshot as a tier has them, and for each of its header which it is.
struct HeaderStates {
  struct Place {
    uint32_t state = 0;
    uint32_t format = 0;
  };
  std::vector<TierState> states;
  std::vector<Place> places;
};

HeaderStates StatesOf(const SnapshotHeader& header) {
  HeaderStates all;
  for (const SnapshotState& from : header.states) {
    auto found = std::find_if(all.states.begin(), all.states.end(), [&](const TierState& to) {
      return to.name == from.name && to.kind == from.kind;
    });
    if (found == all.states.end()) {
      found = all.states.insert(found, TierState());
      found->id = static_cast<uint32_t>(all.states.size());
      found->name = from.name;
      found->kind = from.kind;
    }
    all.places.push_back({found->id, static_cast<uint32_t>(found->formats.size())});
    found->formats.push_back({from.stamped, kNoStamp, from.schema, from.map_key_schema});
  }
  return all;
}

}  // namespace

TierRestore::TierRestore(const KeyedStateBackend::Options& options, TierFiles& files,
                         size_t memory_bytes, int64_t now_micros)
    : options_(options), files_(files), now_micros_(now_micros), loader_(files, memory_bytes) {
  restored_.watermarks_micros.assign(options.range.size(), EventTime::Min().micros());
}

KeyGroupRange TierRestore::OwnGroups(KeyGroupRange range) const {
  const uint32_t first = std::max(range.first, options_.range.first);
  return {first, std::max(first, std::min(range.end, options_.range.end))};
}

/// Turns the section of one group into changes.
class TierRestore::SectionReader final : public SnapshotSectionReader {
 public:
  SectionReader(TierRestore& restore, const SnapshotHeader& header, HeaderStates states,
                TierRenumbering renumbering)
      : restore_(restore),
        header_(header),
        states_(std::move(states)),
        renumbering_(std::move(renumbering)) {}

  void BeginGroup(uint32_t group) { group_ = group; }
  absl::Status OnWatermark(EventTime watermark) override {
    restore_.restored_.watermarks_micros[group_ - restore_.options_.range.first] =
        watermark.micros();
    return absl::OkStatus();
  }
  absl::Status OnEntry(size_t state, const SnapshotEntry& entry) override {
    WEIR_RETURN_IF_ERROR(CheckGroup(entry.key));
    const HeaderStates::Place& place = states_.places[state];
    const TierRenumbering::State& to = *renumbering_.Find(place.state);
    TierChange change;
    AppendTierPrefix(group_, to.to, &change.key);
    if (header_.states[state].kind == StateKind::kMap) {
      internal::AppendEscaped(entry.key, &change.key);
      change.key.append(entry.map_key.data(), entry.map_key.size());
    } else {
      change.key.append(entry.key.data(), entry.key.size());
    }
    AppendVarint(to.formats[place.format], &change.value);
    change.value.append(entry.value.data(), entry.value.size());
    return restore_.loader_.Add(std::move(change));
  }
  absl::Status OnTimer(TimeDomain domain, const SnapshotTimer& timer) override {
    WEIR_RETURN_IF_ERROR(CheckGroup(timer.key));
    TierChange change;
    change.family = RocksFamily::kTimers;
    change.key = TimerKey(group_, domain, timer.time_micros, timer.key, timer.name_space);
    return restore_.loader_.Add(std::move(change));
  }

 private:
  absl::Status CheckGroup(absl::string_view key) const {
    return CheckKeyInGroup(restore_.options_, key, group_);
  }

  TierRestore& restore_;
  const SnapshotHeader& header_;
  const HeaderStates states_;
  const TierRenumbering renumbering_;
  uint32_t group_ = 0;
};

absl::Status TierRestore::LoadSnapshot(const SnapshotHeader& header, absl::string_view snapshot) {
  HeaderStates states = StatesOf(header);
  WEIR_ASSIGN_OR_RETURN(TierRenumbering renumbering,
                        restored_.states.Adopt(states.states, now_micros_));
  SectionReader reader(*this, header, std::move(states), std::move(renumbering));
  for (const SnapshotHeader::Group& group : header.groups) {
    if (!options_.range.Contains(group.group)) continue;
    WEIR_ASSIGN_OR_RETURN(const absl::string_view section, ReadSnapshotSection(snapshot, group));
    reader.BeginGroup(group.group);
    WEIR_RETURN_IF_ERROR(DecodeSnapshotSection(header, section, reader));
  }
  return absl::OkStatus();
}

absl::StatusOr<RestoredTier> TierRestore::Canonical(absl::Span<const absl::string_view> snapshots) {
  std::vector<SnapshotHeader> headers;
  std::vector<KeyGroupRange> ranges;
  for (const absl::string_view snapshot : snapshots) {
    WEIR_ASSIGN_OR_RETURN(SnapshotHeader header, ReadSnapshotHeader(snapshot));
    WEIR_RETURN_IF_ERROR(CheckSameKeying(options_, header.max_parallelism, header.key_schema));
    ranges.push_back(header.range);
    headers.push_back(std::move(header));
  }
  WEIR_RETURN_IF_ERROR(CheckGroupsCovered(options_.range, ranges));
  for (size_t i = 0; i < snapshots.size(); ++i) {
    WEIR_RETURN_IF_ERROR(LoadSnapshot(headers[i], snapshots[i]));
  }
  return Finish();
}

absl::Status TierRestore::CheckKey(RocksFamily family, StoreChange kind,
                                   absl::string_view key) const {
  DueTimer timer;
  if (family == RocksFamily::kTimers) {
    TimeDomain domain;
    if (!ReadTimerKey(key, &domain, &timer)) return absl::DataLossError("a timer is damaged");
  } else {
    const TierState* state = restored_.states.Find(StateOfTierKey(key));
    absl::string_view map_key;
    timer.key = std::string(key.substr(kTierPrefixSize));
    if (state->kind == StateKind::kMap && !SplitMapKey(key, &timer.key, &map_key)) {
      return absl::DataLossError(absl::StrCat("a key of state '", state->name, "' is damaged"));
    }
    const auto in_parts = [&](const TierFormat& format) { return InParts(state->kind, format); };
    if (kind == StoreChange::kAppend &&
        std::none_of(state->formats.begin(), state->formats.end(), in_parts)) {
      return absl::DataLossError(
          absl::StrCat("elements are added to state '", state->name, "', which has no lists"));
    }
  }
  return CheckKeyInGroup(options_, timer.key, GroupOfTierKey(key));
}

absl::Status TierRestore::AddChange(const TierRenumbering& renumbering, const DirtyEntry& entry) {
  if (entry.key.size() < kTierPrefixSize) {
    return absl::DataLossError("a key of state is too short");
  }
  if (!options_.range.Contains(GroupOfTierKey(entry.key))) return absl::OkStatus();
  TierChange change{entry.family, entry.kind, std::string(entry.key), std::string(entry.value)};
  const bool deleted = entry.kind == StoreChange::kDelete;
  if (entry.family == RocksFamily::kState &&
      !renumbering.Apply(&change.key, deleted ? nullptr : &change.value)) {
    return absl::DataLossError("there is a value of an unknown state");
  }
  WEIR_RETURN_IF_ERROR(CheckKey(change.family, change.kind, change.key));
  return loader_.Add(std::move(change));
}

absl::Status TierRestore::CopyBase(const TierManifest& manifest,
                                   const KeyedStateIncrement& increment,
                                   const TierRenumbering& renumbering) {
  const KeyGroupRange own = OwnGroups(manifest.range);
  if (manifest.files.empty() || own.size() == 0) return absl::OkStatus();
  WEIR_ASSIGN_OR_RETURN(const TierFiles::OpenedIncrement opened,
                        files_.OpenIncrement(manifest, increment));
  for (const RocksFamily family : {RocksFamily::kState, RocksFamily::kTimers}) {
    const auto scan = opened.store->Scan(family, BeginOfGroup(own.first), BeginOfGroup(own.end));
    for (; scan->valid(); scan->Next()) {
      WEIR_RETURN_IF_ERROR(
          AddChange(renumbering, {family, StoreChange::kPut, scan->key(), scan->value()}));
    }
    WEIR_RETURN_IF_ERROR(scan->status());
  }
  return absl::OkStatus();
}

absl::Status TierRestore::LoadLogs(const TierManifest& manifest,
                                   const KeyedStateIncrement& increment,
                                   const TierRenumbering& renumbering) {
  for (const TierManifest::Log& log : manifest.logs) {
    WEIR_ASSIGN_OR_RETURN(const std::string path,
                          PathOfIncrementFile(increment, log.name, log.size_bytes));
    WEIR_ASSIGN_OR_RETURN(const std::string bytes, ReadLocalFile(path));
    const absl::Status read = ReadDirtyLog(bytes, [&](const DirtyEntry& entry) {
                                return AddChange(renumbering, entry);
                              }).status();
    if (!read.ok()) return Annotate(read, path);
  }
  return absl::OkStatus();
}

absl::Status TierRestore::LoadIncrement(const TierManifest& manifest,
                                        const KeyedStateIncrement& increment, bool alone) {
  WEIR_ASSIGN_OR_RETURN(const TierRenumbering renumbering,
                        restored_.states.Adopt(manifest.states, now_micros_));
  for (uint32_t group = manifest.range.first; group < manifest.range.end; ++group) {
    if (!options_.range.Contains(group)) continue;
    restored_.watermarks_micros[group - options_.range.first] =
        manifest.watermarks_micros[group - manifest.range.first];
  }
  if (alone && manifest.range == options_.range && !manifest.files.empty() &&
      renumbering.identity()) {
    WEIR_RETURN_IF_ERROR(files_.Link(manifest, increment));
    linked_ = true;
  } else {
    WEIR_RETURN_IF_ERROR(CopyBase(manifest, increment, renumbering));
  }
  return LoadLogs(manifest, increment, renumbering);
}

absl::StatusOr<RestoredTier> TierRestore::Increments(
    absl::Span<const KeyedStateIncrement> increments) {
  std::vector<TierManifest> manifests;
  std::vector<KeyGroupRange> ranges;
  for (const KeyedStateIncrement& increment : increments) {
    WEIR_ASSIGN_OR_RETURN(TierManifest manifest, DecodeTierManifest(increment.manifest));
    WEIR_RETURN_IF_ERROR(CheckSameKeying(options_, manifest.max_parallelism, manifest.key_schema));
    ranges.push_back(manifest.range);
    manifests.push_back(std::move(manifest));
  }
  WEIR_RETURN_IF_ERROR(CheckGroupsCovered(options_.range, ranges));
  for (size_t i = 0; i < manifests.size(); ++i) {
    WEIR_RETURN_IF_ERROR(LoadIncrement(manifests[i], increments[i], increments.size() == 1));
  }
  return Finish();
}

absl::StatusOr<RestoredTier> TierRestore::Finish() {
  if (linked_ || loader_.spilled()) {
    WEIR_ASSIGN_OR_RETURN(restored_.store, files_.Store());
    WEIR_ASSIGN_OR_RETURN(restored_.base, files_.Pin(/*generation=*/1));
  }
  WEIR_ASSIGN_OR_RETURN(restored_.changes, loader_.TakeRest());
  return std::move(restored_);
}

}  // namespace weir
