#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

#include "state/api/keyed_timers.h"

/// Keys as the tier, its logs and RocksDB have them (docs/formats/state-tier.md): sorted by key
/// group, then by state, key and key of the map; or by key group, domain, time, key and namespace.
/// Pure functions.
namespace weir {

/// Key group and state, before a key.
inline constexpr size_t kTierPrefixSize = 4;
inline constexpr uint32_t kLargestTierState = UINT16_MAX - 1;

void AppendTierPrefix(uint32_t group, uint32_t state, std::string* out);
/// Of keys with a whole prefix.
uint32_t GroupOfTierKey(absl::string_view key);
uint32_t StateOfTierKey(absl::string_view key);
/// In place of the state that is there.
void SetStateOfTierKey(uint32_t state, std::string* key);
/// Two bytes: before all keys of the group, states' and timers'. Empty behind the last group.
std::string BeginOfGroup(uint32_t group);

/// What stands behind the prefix of an entry of a map; false when it is none.
bool SplitMapKey(absl::string_view key, std::string* user_key, absl::string_view* map_key);

std::string TimerKey(uint32_t group, TimeDomain domain, int64_t time_micros, absl::string_view key,
                     absl::string_view name_space);
/// False when the bytes are not one.
bool ReadTimerKey(absl::string_view bytes, TimeDomain* domain, DueTimer* timer);
/// Before all timers of the group and domain.
std::string BeginOfTimers(uint32_t group, TimeDomain domain);

}  // namespace weir
