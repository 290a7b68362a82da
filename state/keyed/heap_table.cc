#include "state/keyed/heap_table.h"

#include <algorithm>
#include <cstddef>

#include "common/base/check.h"

namespace weir {

namespace {

// Of an entry: slots are half full, and a node has a key and the allocator's share.
constexpr size_t kSlotBytes = 32;
constexpr size_t kNodeBytes = 32;

}  // namespace

void HeapCurrentKey::FailForeignGroup(uint32_t group) const {
  WEIR_CHECK(false) << "a key of group " << group << " came to the subtask of groups "
                    << range_.first << " to " << range_.end - 1;
  __builtin_unreachable();
}

void HeapTable::FailWithoutKey() const { FailStateWithoutKey(name_); }

void FailStateWithoutKey(absl::string_view state) {
  WEIR_CHECK(false) << "state '" << state
                    << "' was used while there is no current key: keyed state may be used only "
                       "while a row of a keyed stream, or a timer of one, is being processed";
  __builtin_unreachable();
}

HeapGroup& HeapTable::ChangeGroup(size_t index) {
  found_turn_ = 0;
  Group& group = groups_[index];
  if (!group.has_value()) group.Set(HeapGroup(cell_type_));
  return group.Change();
}

size_t HeapTable::bytes() const {
  size_t entries = 0;
  for (const Group& group : groups_) {
    if (group.has_value()) entries += group.get()->size();
  }
  return entries * (kSlotBytes + kNodeBytes + cell_type_->size());
}

size_t HeapTable::Expire(int64_t oldest_micros, size_t entries) {
  found_turn_ = 0;
  for (; next_group_ < groups_.size(); ++next_group_, next_slot_ = 0) {
    Group& group = groups_[next_group_];
    // A frozen one would have to be copied first; the next round has it.
    if (!group.has_value() || group.frozen()) continue;
    HeapGroup& cells = group.Change();
    while (next_slot_ < cells.num_slots()) {
      if (entries == 0) return 0;
      --entries;
      next_slot_ += cells.EraseIf(
          next_slot_, [&](void* cell) { return cell_type_->Expire(oldest_micros, cell); });
    }
  }
  next_group_ = 0;
  next_slot_ = 0;
  // At the end, it is the next state's turn.
  return std::max<size_t>(entries, 1);
}

void HeapMapTable::Remove(absl::string_view map_key) {
  if (Find(map_key) == nullptr) return;
  ++changes_;
  auto* map = static_cast<HeapMap*>(table_.FindToChange());
  map->Erase(map_key);
  if (map->empty()) table_.Erase();
}

void HeapMapTable::ForEachFrom(absl::string_view from, Visitor visit) {
  std::string last;
  bool visited = false;
  // What the visitor changes may move the entries, or free the map: then the walk goes on behind
  // the last key in what is there now.
  for (bool changed = true; changed;) {
    changed = false;
    const auto* map = static_cast<const HeapMap*>(table_.Find());
    if (map == nullptr) return;
    map->ForEachFrom(visited ? last : from, [&](absl::string_view key, const void* cell) {
      if (visited && key == last) return true;
      last.assign(key.data(), key.size());
      visited = true;
      const uint64_t before = changes_;
      if (!visit(key, cell)) return false;
      changed = changes_ != before;
      return !changed;
    });
  }
}

}  // namespace weir
