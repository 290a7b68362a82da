#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace weir {

/// Entries under keys of eight bytes, sorted by these, in one piece of memory, so that to walk over
/// them is to read them. Behind each key is room for a value of a fixed size. What its bytes mean
/// is the owner's business: they move with the entry, and are destroyed by nobody.
///
/// There is room at both ends, and of what lies before an entry and behind it the smaller part
/// moves when it comes or goes: where the keys are times, next to nothing does.
///
/// Threads: as a standard container. Lifetime: what KeyAt and ValueAt return is there until the
/// next Insert, Erase or EraseIf.
class PackedEntries {
 public:
  static constexpr size_t kKeyBytes = sizeof(uint64_t);
  /// More than that is not worth to be moved, and an index of pointers should have it.
  static constexpr size_t kMostMovedBytes = 4 << 10;
  static constexpr size_t kMostBytes = 64 << 10;

  explicit PackedEntries(size_t value_bytes)
      : stride_(static_cast<uint32_t>((kKeyBytes + value_bytes + kAlignment - 1) / kAlignment *
                                      kAlignment)) {}
  PackedEntries(const PackedEntries& other);
  PackedEntries(PackedEntries&& other) noexcept;
  PackedEntries& operator=(const PackedEntries&) = delete;
  PackedEntries& operator=(PackedEntries&&) = delete;
  ~PackedEntries();

  /// Numbers are ordered as the bytes of the keys are.
  static uint64_t NumberOf(const char* key) {
    uint64_t number = 0;
    __builtin_memcpy(&number, key, kKeyBytes);
    return __builtin_bswap64(number);
  }

  size_t size() const { return size_; }
  /// Of the memory that is held.
  size_t bytes() const { return capacity_ * stride(); }
  absl::string_view KeyAt(size_t at) const { return {EntryAt(at), kKeyBytes}; }
  uint64_t NumberAt(size_t at) const { return NumberOf(EntryAt(at)); }
  /// Aligned to eight bytes.
  char* ValueAt(size_t at) const { return EntryAt(at) + kKeyBytes; }
  /// The entry, or size(): there is none.
  size_t Find(uint64_t key) const {
    // Entries by time are mostly looked up at the end.
    if (size_ > 0 && NumberAt(size_ - 1) == key) return size_ - 1;
    const size_t at = LowerBound(key);
    return at < size_ && NumberAt(at) == key ? at : size_;
  }
  /// The first entry whose key is not below this one, of any size; size() for none.
  size_t FirstNotBelow(absl::string_view key) const;
  size_t LowerBound(uint64_t key) const;

  /// Whether an entry at that place is within the limits above.
  bool Takes(size_t at) const {
    const size_t moved = at < size_ - at ? at : size_ - at;
    return moved * stride() <= kMostMovedBytes && (size_ + 1) * stride() <= kMostBytes;
  }
  /// At the LowerBound of a key that is not there. The value's bytes are anything.
  char* Insert(size_t at, uint64_t key);
  void Erase(size_t at);
  /// All of whose values erased(value) is true, which is asked once for each, in their order.
  template <class F>
  void EraseIf(F erased) {
    size_t kept = 0;
    for (size_t at = 0; at < size_; ++at) {
      if (erased(ValueAt(at))) continue;
      if (kept != at) __builtin_memcpy(EntryAt(kept), EntryAt(at), stride());
      ++kept;
    }
    size_ = static_cast<uint32_t>(kept);
    ShrinkIfEmptier();
  }

 private:
  static constexpr size_t kAlignment = alignof(uint64_t);

  size_t stride() const { return stride_; }
  char* EntryAt(size_t at) const { return entries_ + (first_ + at) * stride(); }
  void MoveEntries(size_t from, size_t to, size_t count);
  void MakeRoom(bool at_begin);
  void ShrinkIfEmptier();
  void Reallocate(size_t capacity, size_t first);

  char* entries_ = nullptr;
  uint32_t stride_;        // bytes of an entry
  uint32_t capacity_ = 0;  // in entries, as those that follow
  uint32_t first_ = 0;     // there is room for so many before the first one
  uint32_t size_ = 0;
};

}  // namespace weir
