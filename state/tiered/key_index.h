#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/base/prefetch.h"
#include "common/types/key_bytes.h"

namespace weir {

/// A hash table of pointers to nodes that know their keys: open addressing, linear probing, no
/// tombstones. `Node` has `absl::string_view user_key() const`.
///
/// Threads: one. Lifetime: does not own the nodes.
template <class Node>
class KeyIndex {
 public:
  size_t size() const { return size_; }
  /// Another one after each Insert and EraseSlot: until then slots stay where they are.
  uint64_t changes() const { return changes_; }
  size_t num_slots() const { return slots_.size(); }
  /// Slot 0 ... num_slots() - 1; null: nothing is there.
  Node*& at(size_t slot) { return slots_[slot].node; }
  /// `hash` is of the key. Null when there is none; until the next Insert or Erase.
  Node** Find(uint64_t hash, absl::string_view key) {
    if (size_ == 0) return nullptr;
    for (size_t at = hash & mask();; at = (at + 1) & mask()) {
      Slot& slot = slots_[at];
      if (slot.node == nullptr) return nullptr;
      if (slot.hash == hash && SameKeyBytes(slot.node->user_key(), key)) return &slot.node;
    }
  }
  /// Asks for the memory that Find will read first: the slot, and then what it points to.
  void PrefetchSlot(uint64_t hash) const {
    if (size_ > 0) PrefetchLine(&slots_[hash & mask()]);
  }
  void PrefetchNode(uint64_t hash) const {
    if (size_ == 0) return;
    for (size_t at = hash & mask(); slots_[at].node != nullptr; at = (at + 1) & mask()) {
      if (slots_[at].hash != hash) continue;
      // A number, since the second line may be behind the node.
      const auto node = reinterpret_cast<uintptr_t>(slots_[at].node);
      PrefetchLine(reinterpret_cast<const void*>(node));
      PrefetchLine(reinterpret_cast<const void*>(node + kMemoryLineBytes));
      return;
    }
  }
  /// One that is not there.
  Node** Insert(uint64_t hash, Node* node) {
    if ((size_ + 1) * 4 > slots_.size() * 3) Grow();
    ++size_;
    ++changes_;
    return Place({hash, node});
  }
  /// There must be one in the slot. Another one may have moved there then.
  void EraseSlot(size_t slot) {
    --size_;
    ++changes_;
    size_t hole = slot;
    for (size_t next = (hole + 1) & mask(); slots_[next].node != nullptr;
         next = (next + 1) & mask()) {
      const size_t home = slots_[next].hash & mask();
      if (((next - home) & mask()) < ((next - hole) & mask())) continue;
      slots_[hole] = slots_[next];
      hole = next;
    }
    slots_[hole] = Slot{};
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    Node* node = nullptr;
  };
  static constexpr size_t kFirstSlots = 8;

  size_t mask() const { return slots_.size() - 1; }
  Node** Place(const Slot& slot) {
    size_t at = slot.hash & mask();
    while (slots_[at].node != nullptr) at = (at + 1) & mask();
    slots_[at] = slot;
    return &slots_[at].node;
  }
  void Grow() {
    std::vector<Slot> old(slots_.empty() ? kFirstSlots : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.node != nullptr) Place(slot);
    }
  }

  size_t size_ = 0;
  uint64_t changes_ = 0;
  std::vector<Slot> slots_;  // none, or a power of two
};

}  // namespace weir
