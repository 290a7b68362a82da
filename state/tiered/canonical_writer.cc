#include "state/tiered/canonical_writer.h"

#include <algorithm>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"
#include "state/tiered/list_value.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

absl::Status Damaged(const TierState& state) {
  return absl::DataLossError(absl::StrCat("a value of state '", state.name, "' cannot be decoded"));
}

}  // namespace

CanonicalWriter::CanonicalWriter(Keying keying, const TierStates& states,
                                 absl::Span<const LayerPtr> layers, const RocksStore* store)
    : keying_(std::move(keying)),
      states_(states),
      store_(store),
      rows_{LayerRows(layers, RocksFamily::kState), LayerRows(layers, RocksFamily::kTimers)},
      next_row_{rows_[0].begin(), rows_[1].begin()} {
  MakeSections();
}

// Those that were asked for by their names, as the heap backend does, then the others.
void CanonicalWriter::MakeSections() {
  for (const TierState& state : states_.all()) {
    if (state.registered()) sections_.push_back({&state, state.format, true});
  }
  std::sort(sections_.begin(), sections_.end(),
            [](const Section& a, const Section& b) { return a.state->name < b.state->name; });
  for (const TierState& state : states_.all()) {
    if (state.registered()) continue;
    for (size_t format = 0; format < state.formats.size(); ++format) {
      sections_.push_back({&state, format, false});
    }
  }
}

absl::StatusOr<size_t> CanonicalWriter::SectionOf(const TierState& state, size_t format) const {
  for (size_t i = 0; i < sections_.size(); ++i) {
    const Section& section = sections_[i];
    if (section.state == &state && (section.decoded || section.format == format)) return i;
  }
  return Damaged(state);
}

absl::StatusOr<bool> CanonicalWriter::Recode(const TierState& state, absl::string_view value,
                                             std::string* out) {
  const CellType& type = *state.cell_type;
  const auto alignment = std::align_val_t(type.alignment());
  void* cell = ::operator new(type.size(), alignment);
  type.Construct(cell);
  const bool decoded = state.Decode(value, cell);
  const bool expired =
      decoded && state.stamped() && type.Expired(state.OldestMicros(keying_.now_micros), cell);
  if (decoded && !expired) type.Encode(cell, state.stamped(), out);
  type.Destroy(cell);
  ::operator delete(cell, alignment);
  if (!decoded) return Damaged(state);
  return !expired;
}

absl::Status CanonicalWriter::AddEntry(absl::string_view key, absl::string_view value,
                                       Group* group) {
  const TierState* state =
      key.size() < kTierPrefixSize ? nullptr : states_.Find(StateOfTierKey(key));
  ByteReader in(value);
  uint64_t format = 0;
  if (state == nullptr || !in.ReadVarint(&format)) {
    return absl::DataLossError("there is a value of an unknown state");
  }
  WEIR_ASSIGN_OR_RETURN(const size_t section, SectionOf(*state, static_cast<size_t>(format)));
  Entry entry;
  if (state->kind == StateKind::kMap) {
    absl::string_view map_key;
    if (!SplitMapKey(key, &entry.key, &map_key)) return Damaged(*state);
    entry.map_key = std::string(map_key);
  } else {
    entry.key = std::string(key.substr(kTierPrefixSize));
  }
  const bool as_it_is = !state->registered() || (format == state->format && !state->stamped());
  if (as_it_is && InParts(state->kind, state->formats[static_cast<size_t>(format)])) {
    if (!JoinListParts(state->kind, state->formats, value, &entry.value)) return Damaged(*state);
  } else if (as_it_is) {
    entry.value = std::string(in.rest());
  } else {
    WEIR_ASSIGN_OR_RETURN(const bool alive, Recode(*state, value, &entry.value));
    if (!alive) return absl::OkStatus();
  }
  group->entries[section].push_back(std::move(entry));
  group->empty = false;
  return absl::OkStatus();
}

template <class F>
absl::Status CanonicalWriter::ForEachNewest(RocksFamily family, uint32_t group, F visit) {
  LayerRows::Iterator& next = next_row_[static_cast<size_t>(family)];
  const LayerRows::Iterator layered_end = rows_[static_cast<size_t>(family)].end();
  std::string value;
  const auto visit_layered = [&](absl::string_view stored) -> absl::Status {
    const LayerRow row = *next;
    ++next;
    if (row.kind() == StoreChange::kDelete) return absl::OkStatus();
    value.clear();
    if (row.kind() == StoreChange::kAppend) value.assign(stored.data(), stored.size());
    row.Encode(&value);
    return visit(row.key(), absl::string_view(value));
  };
  const auto layered_before = [&](absl::string_view key) {
    return next != layered_end && (*next).key() < key;
  };
  const std::string end = BeginOfGroup(group + 1);
  if (store_ != nullptr) {
    const auto scan = store_->Scan(family, BeginOfGroup(group), end);
    for (; scan->valid(); scan->Next()) {
      while (layered_before(scan->key())) WEIR_RETURN_IF_ERROR(visit_layered({}));
      if (next != layered_end && (*next).key() == scan->key()) {
        WEIR_RETURN_IF_ERROR(visit_layered(scan->value()));
      } else {
        WEIR_RETURN_IF_ERROR(visit(scan->key(), scan->value()));
      }
    }
    WEIR_RETURN_IF_ERROR(scan->status());
  }
  while (layered_before(end) || (end.empty() && next != layered_end)) {
    WEIR_RETURN_IF_ERROR(visit_layered({}));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> CanonicalWriter::WriteGroup(uint32_t group) {
  Group of;
  of.entries.resize(sections_.size());
  WEIR_RETURN_IF_ERROR(ForEachNewest(
      RocksFamily::kState, group,
      [&](absl::string_view key, absl::string_view value) { return AddEntry(key, value, &of); }));
  WEIR_RETURN_IF_ERROR(ForEachNewest(RocksFamily::kTimers, group,
                                     [&](absl::string_view key, absl::string_view) -> absl::Status {
                                       if (key.size() < 3 || key[2] < 0 || key[2] > 1) {
                                         return absl::DataLossError("a timer cannot be decoded");
                                       }
                                       of.timers[static_cast<size_t>(key[2])].emplace_back(key);
                                       of.empty = false;
                                       return absl::OkStatus();
                                     }));
  const int64_t watermark = keying_.watermarks_micros[group - keying_.range.first];
  if (of.empty && watermark == EventTime::Min().micros()) return std::string();
  SnapshotSectionWriter section(EventTime::FromMicros(watermark));
  for (size_t i = 0; i < sections_.size(); ++i) {
    section.BeginState(of.entries[i].size());
    for (const Entry& entry : of.entries[i]) {
      section.BeginEntry(sections_[i].state->kind, entry.key, entry.map_key) = entry.value;
      section.EndEntry();
    }
  }
  for (const auto& timers : of.timers) {
    section.BeginTimers(timers.size());
    for (const std::string& key : timers) {
      TimeDomain domain;
      DueTimer timer;
      if (!ReadTimerKey(key, &domain, &timer)) {
        return absl::DataLossError("a timer cannot be decoded");
      }
      section.AddTimer({timer.time_micros, timer.key, timer.name_space});
    }
  }
  return section.Take();
}

absl::StatusOr<std::string> CanonicalWriter::Write() {
  SnapshotHeader header;
  header.max_parallelism = keying_.max_parallelism;
  header.range = keying_.range;
  header.key_schema = keying_.key_schema;
  for (const Section& section : sections_) {
    header.states.push_back(section.state->Describe(section.format));
  }
  std::vector<std::string> sections;
  for (uint32_t group = keying_.range.first; group < keying_.range.end; ++group) {
    WEIR_ASSIGN_OR_RETURN(std::string section, WriteGroup(group));
    if (section.empty()) continue;
    header.groups.emplace_back().group = group;
    sections.push_back(std::move(section));
  }
  return JoinSnapshot(std::move(header), sections);
}

}  // namespace weir
