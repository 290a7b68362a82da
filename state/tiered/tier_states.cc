#include "state/tiered/tier_states.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/types/byte_reader.h"
#include "state/keyed/state_compatibility.h"
#include "state/tiered/dirty_log.h"
#include "state/tiered/list_value.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

int64_t WithoutTime(const TierFormat& format) { return format.stamped ? kNewStamp : kNoStamp; }

// Values without times count as written now, once the state has a TTL.
void GiveTimes(TierState& state, int64_t now_micros) {
  if (!state.stamped()) return;
  for (TierFormat& format : state.formats) {
    if (!format.has_times() && format.stamp_micros == WithoutTime(format)) {
      format.stamp_micros = now_micros;
    }
  }
}

// Without a TTL no value has a time: if there is one again, all begin anew.
void DropTimes(TierState& state) {
  for (TierFormat& format : state.formats) format.stamp_micros = WithoutTime(format);
}

StateDefinition DefinitionOf(const TierState& state) {
  StateDefinition definition;
  definition.name = state.name;
  definition.kind = state.kind;
  definition.schema = state.formats[state.format].schema;
  definition.map_key_schema = state.formats[state.format].map_key_schema;
  return definition;
}

uint32_t AddFormat(TierState& state, const TierFormat& format) {
  const auto found = std::find(state.formats.begin(), state.formats.end(), format);
  const auto place = static_cast<uint32_t>(found - state.formats.begin());
  if (found == state.formats.end()) state.formats.push_back(format);
  return place;
}

}  // namespace

int64_t TierState::OldestMicros(int64_t now_micros) const {
  int64_t oldest = 0;
  if (ttl_micros == 0 || __builtin_sub_overflow(now_micros, ttl_micros, &oldest)) return INT64_MIN;
  return oldest;
}

SnapshotState TierState::Describe(size_t format_number) const {
  const TierFormat& of = formats[format_number];
  return {name, kind, of.stamped, of.schema, of.map_key_schema};
}

void TierState::Encode(const void* cell, std::string* out) const {
  AppendVarint(format, out);
  cell_type->Encode(cell, stamped(), out);
}

bool TierState::Decode(absl::string_view value, void* cell) const {
  ByteReader in(value);
  bool first = true;
  do {
    uint64_t number = 0;
    if (!in.ReadVarint(&number) || number >= formats.size()) return false;
    const TierFormat& written = formats[static_cast<size_t>(number)];
    const WrittenCell form{number == format ? nullptr : &written.schema, written.stamped,
                           !written.has_times()};
    // Where there are times, this one is not looked at.
    const int64_t as_written = written.has_times() ? kNewStamp : written.stamp_micros;
    const int64_t stamp = stamped() ? as_written : kNoStamp;
    if (!InParts(kind, written)) {
      return first && cell_type->Decode(in.rest(), form, stamp, cell);
    }
    if (!cell_type->DecodeBehind(in, form, stamp, cell)) return false;
    first = false;
  } while (!in.done());
  return true;
}

const TierRenumbering::State* TierRenumbering::Find(uint32_t from) const {
  for (const State& state : states) {
    if (state.from == from) return &state;
  }
  return nullptr;
}

bool TierRenumbering::State::same_formats() const {
  for (size_t i = 0; i < formats.size(); ++i) {
    if (formats[i] != i) return false;
  }
  return true;
}

bool TierRenumbering::State::RenumberValue(std::string* value) const {
  ByteReader in(*value);
  uint64_t number = 0;
  if (!in.ReadVarint(&number) || number >= formats.size()) return false;
  if (same_formats()) return true;
  if (InParts(kind, own_formats[static_cast<size_t>(number)])) return RenumberParts(value);
  std::string renumbered;
  AppendVarint(formats[static_cast<size_t>(number)], &renumbered);
  renumbered.append(in.rest().data(), in.rest().size());
  *value = std::move(renumbered);
  return true;
}

bool TierRenumbering::State::RenumberParts(std::string* value) const {
  std::string renumbered;
  const bool read = ReadListParts(kind, own_formats, *value, [&](const ListPart& part) {
    AppendVarint(formats[static_cast<size_t>(part.format)], &renumbered);
    AppendVarint(part.count, &renumbered);
    renumbered.append(part.elements.data(), part.elements.size());
  });
  if (read) *value = std::move(renumbered);
  return read;
}

bool TierRenumbering::identity() const {
  return std::all_of(states.begin(), states.end(), [](const State& state) {
    return state.from == state.to && state.same_formats();
  });
}

bool TierRenumbering::Apply(std::string* key, std::string* value) const {
  const State* state = Find(StateOfTierKey(*key));
  if (state == nullptr) return false;
  SetStateOfTierKey(state->to, key);
  return value == nullptr || state->RenumberValue(value);
}

TierFormat FormatOf(const StateDefinition& definition) {
  return {definition.has_ttl(), kNoStamp, definition.schema, definition.map_key_schema};
}

const TierState* TierStates::Find(uint32_t id) const {
  for (const TierState& state : states_) {
    if (state.id == id) return &state;
  }
  return nullptr;
}

const TierState* TierStates::FindRegistered(absl::string_view name) const {
  for (const TierState& state : states_) {
    if (state.registered() && state.name == name) return &state;
  }
  return nullptr;
}

absl::Status TierStates::CheckSize(absl::string_view tier_key, size_t value_bytes) const {
  if (tier_key.size() + value_bytes <= kLargestEntryBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("state '", Find(StateOfTierKey(tier_key))->name, "' has a value of ",
                   value_bytes, " bytes under one key, and at most ", kLargestEntryBytes,
                   " can be stored: use a map, whose entries are stored one by one"));
}

TierState* TierStates::FindMutable(absl::string_view name, StateKind kind) {
  for (TierState& state : states_) {
    if (state.name == name && state.kind == kind) return &state;
  }
  return nullptr;
}

absl::StatusOr<uint32_t> TierStates::FreeId(uint32_t wanted) const {
  if (wanted > 0 && wanted <= kLargestTierState && Find(wanted) == nullptr) return wanted;
  for (uint32_t id = 1; id <= kLargestTierState; ++id) {
    if (Find(id) == nullptr) return id;
  }
  return absl::ResourceExhaustedError(absl::StrCat("there are ", kLargestTierState, " states"));
}

absl::StatusOr<uint32_t> TierStates::Register(const StateDefinition& definition,
                                              int64_t now_micros) {
  for (const TierState& state : states_) {
    if (state.name != definition.name) continue;
    for (size_t i = 0; i < state.formats.size(); ++i) {
      WEIR_RETURN_IF_ERROR(CheckStateCompatible(state.Describe(i), definition).status());
    }
  }
  TierState* state = FindMutable(definition.name, definition.kind);
  if (state == nullptr) {
    WEIR_ASSIGN_OR_RETURN(const uint32_t id, FreeId(0));
    state = &states_.emplace_back();
    state->id = id;
    state->name = definition.name;
    state->kind = definition.kind;
  }
  state->cell_type = definition.cell_type;
  state->is_map_key = definition.is_map_key;
  state->ttl_micros = definition.has_ttl() ? definition.ttl.duration.count() : 0;
  if (!state->stamped()) DropTimes(*state);
  state->format = AddFormat(*state, FormatOf(definition));
  GiveTimes(*state, now_micros);
  return state->id;
}

absl::StatusOr<TierRenumbering> TierStates::Adopt(const std::vector<TierState>& states,
                                                  int64_t now_micros) {
  TierRenumbering renumbering;
  for (const TierState& from : states) {
    if (const TierState* registered = FindRegistered(from.name); registered != nullptr) {
      StateDefinition definition = DefinitionOf(*registered);
      for (size_t i = 0; i < from.formats.size(); ++i) {
        WEIR_RETURN_IF_ERROR(CheckStateCompatible(from.Describe(i), definition).status());
      }
    }
    TierState* to = FindMutable(from.name, from.kind);
    if (to == nullptr) {
      WEIR_ASSIGN_OR_RETURN(const uint32_t id, FreeId(from.id));
      to = &states_.emplace_back();
      to->id = id;
      to->name = from.name;
      to->kind = from.kind;
    }
    TierRenumbering::State& renumbered = renumbering.states.emplace_back();
    renumbered.from = from.id;
    renumbered.to = to->id;
    renumbered.kind = from.kind;
    renumbered.own_formats = from.formats;
    // A new state has its formats as they are: two may have become equal.
    if (to->formats.empty()) {
      to->formats = from.formats;
      renumbered.formats.resize(from.formats.size());
      std::iota(renumbered.formats.begin(), renumbered.formats.end(), 0u);
    } else {
      for (const TierFormat& format : from.formats) {
        renumbered.formats.push_back(AddFormat(*to, format));
      }
    }
    GiveTimes(*to, now_micros);
  }
  return renumbering;
}

}  // namespace weir
