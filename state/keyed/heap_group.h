#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "common/base/prefetch.h"
#include "common/types/key_bytes.h"
#include "state/api/cell_type.h"

namespace weir {

/// The cells of one state for the keys of one key group: open addressing with linear probing over
/// {hash, node}, where a node is a cell and the bytes of its key in one piece of memory.
///
/// Threads: not thread-safe; const calls may run beside each other.
/// Lifetime: a cell stays where it is until it is erased.
class HeapGroup {
 public:
  explicit HeapGroup(std::shared_ptr<const CellType> type);
  HeapGroup(const HeapGroup& other);
  HeapGroup(HeapGroup&& other) noexcept
      : type_(std::move(other.type_)),
        cell_offset_(other.cell_offset_),
        key_offset_(other.key_offset_),
        size_(std::exchange(other.size_, 0)),
        slots_(std::exchange(other.slots_, {})) {}
  HeapGroup& operator=(const HeapGroup&) = delete;
  ~HeapGroup();

  size_t size() const { return size_; }
  /// `hash` is StableHash64(key). Null when there is none.
  void* Find(uint64_t hash, absl::string_view key) {
    return const_cast<void*>(std::as_const(*this).Find(hash, key));
  }
  const void* Find(uint64_t hash, absl::string_view key) const {
    if (size_ == 0) return nullptr;
    for (size_t at = hash & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.node == nullptr) return nullptr;
      if (slot.hash == hash && SameKeyBytes(KeyOf(slot), key)) return slot.node + cell_offset_;
    }
  }
  /// A new cell is as CellType::Construct makes it.
  void* FindOrCreate(uint64_t hash, absl::string_view key);
  void Erase(uint64_t hash, absl::string_view key);

  /// Asks for the memory that Find will read first: the slot, and then what it points to.
  void PrefetchSlot(uint64_t hash) const {
    if (size_ > 0) PrefetchLine(&slots_[hash & mask()]);
  }
  void PrefetchNode(uint64_t hash) const {
    if (size_ == 0) return;
    for (size_t at = hash & mask(); slots_[at].node != nullptr; at = (at + 1) & mask()) {
      if (slots_[at].hash == hash) return PrefetchLine(slots_[at].node);
    }
  }

  /// visit(key, cell) for all, in no particular order.
  template <class F>
  void ForEach(F visit) const {
    for (const Slot& slot : slots_) {
      if (slot.node != nullptr) visit(KeyOf(slot), CellOf(slot));
    }
  }
  /// Slots 0 ... num_slots() - 1 hold the cells; EraseIf removes what expired(cell) says from one,
  /// and returns how many slots to go on by: 0 when another cell has moved there.
  size_t num_slots() const { return slots_.size(); }
  template <class F>
  size_t EraseIf(size_t slot, F expired) {
    if (slots_[slot].node == nullptr || !expired(slots_[slot].node + cell_offset_)) return 1;
    EraseSlot(slot);
    return 0;
  }

 private:
  struct Slot {
    uint64_t hash = 0;
    char* node = nullptr;
  };

  size_t mask() const { return slots_.size() - 1; }
  const void* CellOf(const Slot& slot) const { return slot.node + cell_offset_; }
  absl::string_view KeyOf(const Slot& slot) const;
  char* NewNode(absl::string_view key) const;
  void FreeNode(char* node) const;
  void Insert(const Slot& slot);
  void Grow();
  void EraseSlot(size_t at);

  std::shared_ptr<const CellType> type_;
  size_t cell_offset_;
  size_t key_offset_;
  size_t size_ = 0;
  std::vector<Slot> slots_;  // none, or a power of two
};

inline absl::string_view HeapGroup::KeyOf(const Slot& slot) const {
  uint32_t size = 0;
  __builtin_memcpy(&size, slot.node, sizeof(size));
  return {slot.node + key_offset_, size};
}

}  // namespace weir
