#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/types/key_group.h"
#include "state/api/keyed_state_store.h"
#include "state/api/state_table.h"
#include "state/keyed/copy_on_freeze.h"
#include "state/keyed/heap_group.h"
#include "state/keyed/heap_map.h"
#include "state/keyed/prefetch_pacer.h"

namespace weir {

/// The current key of a backend, which its tables and timers look at.
class HeapCurrentKey {
 public:
  explicit HeapCurrentKey(KeyGroupRange range) : range_(range) {}

  const KeyGroupRange& range() const { return range_; }
  void Set(const KeyRef& key) {
    if (__builtin_expect(!range_.Contains(key.group), 0)) FailForeignGroup(key.group);
    set_ = true;
    ++turn_;
    group_index_ = key.group - range_.first;
    hash_ = key.hash;
    if (key.key.size() == sizeof(uint64_t)) {
      __builtin_memcpy(small_, key.key.data(), sizeof(uint64_t));
      key_ = {small_, sizeof(uint64_t)};
    } else {
      large_.assign(key.key.data(), key.key.size());
      key_ = large_;
    }
  }
  void Clear() { set_ = false; }
  bool is_set() const { return set_; }
  /// Place of the group in the backend's range.
  size_t group_index() const { return group_index_; }
  uint64_t hash() const { return hash_; }
  absl::string_view key() const { return key_; }
  /// Another one after each Set; never 0.
  uint64_t turn() const { return turn_; }
  KeyRef ref() const { return {range_.first + static_cast<uint32_t>(group_index_), hash_, key_}; }

 private:
  [[noreturn]] void FailForeignGroup(uint32_t group) const;

  const KeyGroupRange range_;
  bool set_ = false;
  uint64_t turn_ = 1;
  size_t group_index_ = 0;
  uint64_t hash_ = 0;
  absl::string_view key_;
  char small_[sizeof(uint64_t)];  // most keys are numbers
  std::string large_;
};

/// Ends the process: a state was used without a current key.
[[noreturn]] void FailStateWithoutKey(absl::string_view state);

/// One state in memory: a HeapGroup for each key group that has something.
///
/// Threads: the task's.
/// Lifetime: borrows the current key.
class HeapTable {
 public:
  using Group = CopyOnFreeze<HeapGroup>;

  /// `cell_type`: of what a key has; HeapMapType for maps.
  HeapTable(std::shared_ptr<const CellType> cell_type, std::string name, size_t num_groups,
            const HeapCurrentKey& current)
      : cell_type_(std::move(cell_type)),
        name_(std::move(name)),
        current_(current),
        groups_(num_groups) {}

  /// Of the current key. What is found is kept for the next call, which is often of the same key.
  const void* Find() {
    CheckKey();
    if (found_turn_ == current_.turn()) return found_;
    pacer_.CountLookup();
    const HeapGroup* group = groups_[current_.group_index()].get();
    return Found(group == nullptr ? nullptr : group->Find(current_.hash(), current_.key()));
  }
  void* FindToChange() {
    if (Find() == nullptr) return nullptr;
    if (!groups_[current_.group_index()].frozen()) return const_cast<void*>(found_);
    return const_cast<void*>(Found(Change().Find(current_.hash(), current_.key())));
  }
  void* FindOrCreate() {
    CheckKey();
    Group& group = groups_[current_.group_index()];
    if (found_turn_ == current_.turn() && found_ != nullptr && !group.frozen()) {
      return const_cast<void*>(found_);
    }
    pacer_.CountLookup();
    if (!group.has_value()) group.Set(HeapGroup(cell_type_));
    void* cell = group.Change().FindOrCreate(current_.hash(), current_.key());
    Found(cell);
    return cell;
  }
  void Erase() {
    if (Find() == nullptr) return;
    Change().Erase(current_.hash(), current_.key());
    Found(nullptr);
  }

  /// What look-ups of these will read is asked of the memory at once. `keys`: KeyRefs, or
  /// MapEntryRefs.
  template <class Keys>
  void Prefetch(const Keys& keys) {
    if (!pacer_.Worth(keys.size())) return;
    PrefetchLines(keys, [this](const KeyRef& key) {
      return groups_[key.group - current_.range().first].get();
    });
  }
  /// About; of maps without their entries.
  size_t bytes() const;

  const std::vector<Group>& groups() const { return groups_; }
  /// The group, made when there is none.
  HeapGroup& ChangeGroup(size_t index);
  /// As KeyedStateBackend::CleanUpExpired, on one table; returns what is left of `entries`, but 1
  /// at least, when its end was reached, and 0 when it was not.
  size_t Expire(int64_t oldest_micros, size_t entries);

 private:
  const void* Found(const void* cell) {
    found_turn_ = current_.turn();
    return found_ = cell;
  }
  HeapGroup& Change() { return groups_[current_.group_index()].Change(); }
  void CheckKey() const {
    if (__builtin_expect(!current_.is_set(), 0)) FailWithoutKey();
  }
  [[noreturn]] void FailWithoutKey() const;

  const std::shared_ptr<const CellType> cell_type_;
  const std::string name_;
  const HeapCurrentKey& current_;
  std::vector<Group> groups_;
  // What the current key of that turn has.
  uint64_t found_turn_ = 0;
  const void* found_ = nullptr;
  PrefetchPacer pacer_;
  // Where Expire goes on.
  size_t next_group_ = 0;
  size_t next_slot_ = 0;
};

/// What the handles of all kinds but maps see of a HeapTable.
class HeapCellTable final : public CellTable {
 public:
  HeapCellTable(const StateDefinition& definition, const int64_t& now_micros, HeapTable& table)
      : CellTable(definition, now_micros), table_(table) {}
  const void* Find() override { return table_.Find(); }
  void* FindToChange() override { return table_.FindToChange(); }
  void* FindOrCreate() override { return table_.FindOrCreate(); }
  void Clear() override { table_.Erase(); }

 private:
  HeapTable& table_;
};

/// What the handles of maps see of a HeapTable whose cells are HeapMaps.
class HeapMapTable final : public MapTable {
 public:
  HeapMapTable(const StateDefinition& definition, const int64_t& now_micros, HeapTable& table)
      : MapTable(definition, now_micros), table_(table) {}
  const void* Find(absl::string_view map_key) override {
    const auto* map = static_cast<const HeapMap*>(table_.Find());
    return map == nullptr ? nullptr : map->Find(map_key);
  }
  void* FindToChange(absl::string_view map_key) override {
    ++changes_;
    auto* map = static_cast<HeapMap*>(table_.FindToChange());
    return map == nullptr ? nullptr : map->Find(map_key);
  }
  void* FindOrCreate(absl::string_view map_key) override {
    ++changes_;
    return static_cast<HeapMap*>(table_.FindOrCreate())->FindOrCreate(map_key);
  }
  void Remove(absl::string_view map_key) override;
  void ForEach(Visitor visit) override { ForEachFrom({}, visit); }
  void ForEachFrom(absl::string_view from, Visitor visit) override;
  void Clear() override {
    ++changes_;
    table_.Erase();
  }
  void Prefetch(absl::Span<const MapEntryRef> entries) override { table_.Prefetch(entries); }

 private:
  HeapTable& table_;
  uint64_t changes_ = 0;  // that may move entries, or free them
};

}  // namespace weir
