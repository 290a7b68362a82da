#include "state/keyed/heap_frozen_state.h"

#include <algorithm>
#include <utility>

#include "common/base/status_macros.h"

namespace weir {
namespace {

struct FrozenEntry {
  absl::string_view key;
  absl::string_view map_key;
  const void* cell = nullptr;
};

// What is alive, in the order of the keys.
std::vector<FrozenEntry> EntriesOf(const HeapFrozenState::State& state, const HeapGroup* group) {
  std::vector<FrozenEntry> entries;
  if (group == nullptr) return entries;
  const auto add = [&](const FrozenEntry& entry) {
    const bool expired =
        state.info.stamped && state.entry_type->Expired(state.oldest_micros, entry.cell);
    if (!expired) entries.push_back(entry);
  };
  group->ForEach([&](absl::string_view key, const void* cell) {
    if (state.info.kind != StateKind::kMap) return add({key, {}, cell});
    static_cast<const HeapMap*>(cell)->ForEach([&](absl::string_view map_key, const void* entry) {
      add({key, map_key, entry});
    });
  });
  std::sort(entries.begin(), entries.end(), [](const FrozenEntry& a, const FrozenEntry& b) {
    return std::pair(a.key, a.map_key) < std::pair(b.key, b.map_key);
  });
  return entries;
}

}  // namespace

std::string HeapFrozenState::WriteGroup(size_t index) const {
  const uint32_t group = range.first + static_cast<uint32_t>(index);
  SnapshotSectionWriter section(EventTime::FromMicros(watermarks_micros[index]));
  bool empty = watermarks_micros[index] == EventTime::Min().micros();
  for (const State& state : states) {
    const std::vector<FrozenEntry> entries = EntriesOf(state, state.groups[index].get());
    empty = empty && entries.empty();
    section.BeginState(entries.size());
    for (const FrozenEntry& entry : entries) {
      std::string& value = section.BeginEntry(state.info.kind, entry.key, entry.map_key);
      state.entry_type->Encode(entry.cell, state.info.stamped, &value);
      section.EndEntry();
    }
  }
  for (const auto& state : unclaimed) {
    const auto found = state->groups.find(group);
    section.BeginState(found == state->groups.end() ? 0 : found->second.size());
    if (found == state->groups.end()) continue;
    empty = false;
    for (const UnclaimedState::Entry& entry : found->second) {
      section.BeginEntry(state->info.kind, entry.key, entry.map_key) = entry.value;
      section.EndEntry();
    }
  }
  for (const auto& domain : timers) {
    const HeapTimerSet* set = domain[index].get();
    section.BeginTimers(set == nullptr ? 0 : set->size());
    if (set == nullptr) continue;
    empty = empty && set->empty();
    for (const HeapTimer& timer : *set) {
      section.AddTimer({timer.time_micros, timer.key(), timer.name_space()});
    }
  }
  return empty ? std::string() : section.Take();
}

absl::StatusOr<std::string> HeapFrozenState::Write() const {
  SnapshotHeader header;
  header.max_parallelism = max_parallelism;
  header.range = range;
  header.key_schema = key_schema;
  for (const State& state : states) header.states.push_back(state.info);
  for (const auto& state : unclaimed) header.states.push_back(state->info);
  std::vector<std::string> sections;
  for (size_t index = 0; index < range.size(); ++index) {
    std::string section = WriteGroup(index);
    if (section.empty()) continue;
    header.groups.emplace_back().group = range.first + static_cast<uint32_t>(index);
    sections.push_back(std::move(section));
  }
  return JoinSnapshot(std::move(header), sections);
}

absl::StatusOr<KeyedStateIncrement> HeapFrozenState::WriteIncrement() const {
  KeyedStateIncrement increment;
  WEIR_ASSIGN_OR_RETURN(increment.manifest, Write());
  return increment;
}

}  // namespace weir
