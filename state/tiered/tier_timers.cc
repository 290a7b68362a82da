#include "state/tiered/tier_timers.h"

#include <algorithm>

#include "common/base/check.h"
#include "state/tiered/tier_key.h"

namespace weir {
namespace {

constexpr TimeDomain kDomains[] = {TimeDomain::kEventTime, TimeDomain::kProcessingTime};
constexpr size_t kGroupBytes = 2;

DueTimer ReadOwnTimer(absl::string_view key) {
  TimeDomain domain;
  DueTimer timer;
  WEIR_CHECK(ReadTimerKey(key, &domain, &timer)) << "a timer in memory cannot be read";
  return timer;
}

}  // namespace

TierTimers::TierTimers(KeyGroupRange range, StateTier& tier, const HeapCurrentKey& current)
    : range_(range),
      tier_(tier),
      current_(current),
      groups_{std::vector<Group>(range.size()), std::vector<Group>(range.size())},
      watermarks_(range.size(), EventTime::Min().micros()),
      highest_watermark_(EventTime::Min().micros()) {}

TierTimers::~TierTimers() {
  for (const auto& domain : groups_) {
    for (const Group& group : domain) {
      for (const auto& [key, version] : group.timers) {
        tier_.account().Subtract(SortedEntryBytes(key));
        version->Release();
      }
    }
  }
}

std::string TierTimers::KeyOfCurrent(TimeDomain domain, int64_t time_micros,
                                     absl::string_view name_space) const {
  WEIR_CHECK(current_.is_set())
      << "a timer was registered or deleted while there is no current key: timers may be used only "
         "while a row of a keyed stream, or a timer of one, is being processed";
  return TimerKey(range_.first + static_cast<uint32_t>(current_.group_index()), domain, time_micros,
                  current_.key(), name_space);
}

void TierTimers::SetFirst(TimeDomain domain, size_t group, std::string first) {
  Group& of = GroupOf(domain, group);
  if (of.first == first) return;
  Heads& heads = heads_[Index(domain)];
  if (!of.first.empty()) heads.erase({of.first.substr(kGroupBytes), group});
  of.first = std::move(first);
  if (!of.first.empty()) heads.insert({of.first.substr(kGroupBytes), group});
}

void TierTimers::FindFirst(TimeDomain domain, size_t group, const std::string& from) {
  Group& of = GroupOf(domain, group);
  std::string at = from;
  while (true) {
    auto next = of.timers.lower_bound(at);
    while (next != of.timers.end() && !next->second->present()) ++next;
    const bool found = next != of.timers.end();
    if (found && (!of.loaded_until.has_value() || next->first < *of.loaded_until)) {
      return SetFirst(domain, group, next->first);
    }
    if (!of.loaded_until.has_value()) return SetFirst(domain, group, std::string());
    at = *of.loaded_until;
    Load(domain, group);
  }
}

Version*& TierTimers::Add(Group& group, std::string key, Version* version) {
  const auto [entry, fresh] = group.timers.emplace(std::move(key), version);
  WEIR_DCHECK(fresh);
  tier_.account().Add(SortedEntryBytes(entry->first));
  return entry->second;
}

void TierTimers::Load(TimeDomain domain, size_t group) {
  Group& of = GroupOf(domain, group);
  const std::string begin = *of.loaded_until;
  of.loaded_until.reset();
  if (tier_.store() == nullptr) return;
  const uint32_t number = range_.first + static_cast<uint32_t>(group);
  const std::string end = domain == TimeDomain::kEventTime
                              ? BeginOfTimers(number, TimeDomain::kProcessingTime)
                              : BeginOfGroup(number + 1);
  const auto scan = tier_.store()->Scan(RocksFamily::kTimers, begin, end);
  size_t read = 0;
  for (; scan->valid() && read < kLoadedTimers; scan->Next(), ++read) {
    std::string key(scan->key());
    if (of.timers.contains(key)) continue;
    Version* version = tier_.NewVersion(key, nullptr);
    version->MakeMark();
    Add(of, std::move(key), version);
  }
  if (scan->valid()) of.loaded_until = std::string(scan->key());
  if (!scan->status().ok()) tier_.Fail(scan->status());
}

void TierTimers::LoadHeads() {
  for (const TimeDomain domain : kDomains) {
    for (size_t group = 0; group < range_.size(); ++group) {
      const std::string begin = BeginOfTimers(range_.first + static_cast<uint32_t>(group), domain);
      if (tier_.store() != nullptr) GroupOf(domain, group).loaded_until = begin;
      FindFirst(domain, group, begin);
    }
  }
}

void TierTimers::Register(TimeDomain domain, int64_t time_micros, absl::string_view name_space) {
  std::string key = KeyOfCurrent(domain, time_micros, name_space);
  tier_.BeforeAccess();
  const size_t index = current_.group_index();
  Group& group = GroupOf(domain, index);
  const auto found = group.timers.find(key);
  const bool fresh = found == group.timers.end();
  if (!fresh && found->second->present()) return;
  Version*& slot = fresh ? Add(group, key, tier_.NewVersion(key, nullptr)) : found->second;
  tier_.Own(RocksFamily::kTimers, slot).MakeMark();
  const bool loaded = !group.loaded_until.has_value() || key < *group.loaded_until;
  if (loaded && (group.first.empty() || key < group.first)) SetFirst(domain, index, std::move(key));
}

void TierTimers::Remove(TimeDomain domain, size_t index, const std::string& key) {
  Group& group = GroupOf(domain, index);
  const auto found = group.timers.find(key);
  const bool fresh = found == group.timers.end();
  if (!fresh && !found->second->present()) return;
  // Only RocksDB can have it, and only behind what is loaded.
  if (fresh && (!group.loaded_until.has_value() || key < *group.loaded_until)) return;
  Version*& slot = fresh ? Add(group, key, tier_.NewVersion(key, nullptr)) : found->second;
  tier_.Delete(RocksFamily::kTimers, slot);
  if (group.first == key) FindFirst(domain, index, key);
}

void TierTimers::Delete(TimeDomain domain, int64_t time_micros, absl::string_view name_space) {
  const std::string key = KeyOfCurrent(domain, time_micros, name_space);
  tier_.BeforeAccess();
  Remove(domain, current_.group_index(), key);
}

std::optional<int64_t> TierTimers::NextDue(TimeDomain domain) const {
  const Heads& heads = heads_[Index(domain)];
  if (heads.empty()) return std::nullopt;
  return ReadOwnTimer(groups_[Index(domain)][heads.begin()->second].first).time_micros;
}

std::optional<DueTimer> TierTimers::FirstOf(TimeDomain domain, uint32_t group) const {
  const std::string& first = groups_[Index(domain)][group - range_.first].first;
  if (first.empty()) return std::nullopt;
  return ReadOwnTimer(first);
}

std::optional<DueTimer> TierTimers::PopDue(TimeDomain domain, int64_t until_micros) {
  tier_.BeforeAccess();
  const Heads& heads = heads_[Index(domain)];
  if (heads.empty()) return std::nullopt;
  const size_t index = heads.begin()->second;
  const std::string key = GroupOf(domain, index).first;
  DueTimer timer = ReadOwnTimer(key);
  if (timer.time_micros > until_micros) return std::nullopt;
  Remove(domain, index, key);
  return timer;
}

std::optional<DueTimer> TierTimers::PopDueByWatermark() {
  tier_.BeforeAccess();
  for (const auto& [head, index] : heads_[Index(TimeDomain::kEventTime)]) {
    const std::string key = GroupOf(TimeDomain::kEventTime, index).first;
    DueTimer timer = ReadOwnTimer(key);
    if (timer.time_micros > highest_watermark_) return std::nullopt;
    if (timer.time_micros > watermarks_[index]) continue;
    Remove(TimeDomain::kEventTime, index, key);
    return timer;
  }
  return std::nullopt;
}

EventTime TierTimers::GroupWatermark(uint32_t group) const {
  WEIR_CHECK(range_.Contains(group)) << "group " << group << " is not of this subtask";
  return EventTime::FromMicros(watermarks_[group - range_.first]);
}

void TierTimers::AdvanceWatermark(EventTime watermark) {
  for (int64_t& micros : watermarks_) micros = std::max(micros, watermark.micros());
  highest_watermark_ = std::max(highest_watermark_, watermark.micros());
}

void TierTimers::Insert(Version* version) {
  const std::string key(version->key());
  const auto domain = static_cast<TimeDomain>(key[kGroupBytes]);
  Group& group = GroupOf(domain, GroupOfTierKey(key) - range_.first);
  const auto found = group.timers.find(key);
  if (found == group.timers.end()) {
    Add(group, key, version);
    return;
  }
  found->second->Release();
  found->second = version;
}

void TierTimers::EvictGroup(StateTier& tier, Group& group) {
  size_t kept = 0;
  for (auto at = group.timers.begin(); at != group.timers.end();) {
    Version* version = at->second;
    // What was the first when it goes is not: the head stays.
    const bool head = version->present() && kept < kKeptTimers;
    if (version->present()) ++kept;
    if (head || !tier.clean(*version)) {
      ++at;
      continue;
    }
    // From here on RocksDB may have timers that are not in memory.
    if (version->present() &&
        (!group.loaded_until.has_value() || at->first < *group.loaded_until)) {
      group.loaded_until = at->first;
    }
    version->Release();
    tier.account().Subtract(SortedEntryBytes(at->first));
    at = group.timers.erase(at);
    ++tier.counters().evicted;
  }
}

void TierTimers::EvictClean(StateTier& tier) {
  for (auto& domain : groups_) {
    for (Group& group : domain) {
      if (tier.has_room()) return;
      if (group.timers.size() > kKeptTimers) EvictGroup(tier, group);
    }
  }
}

}  // namespace weir
