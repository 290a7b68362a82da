#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir {

/// What an entry of a btree_map of versions takes beside its version, which is charged with a slot
/// of a hash table: its part of nodes of six that are two thirds full, and of those above them; and
/// what its key has outside.
inline size_t SortedEntryBytes(const std::string& key) {
  constexpr size_t kNodeBytes = 50;
  constexpr size_t kAllocatorBytes = 16;
  const bool inside = key.capacity() < sizeof(std::string) / 2;
  return kNodeBytes + (inside ? 0 : key.capacity() + 1 + kAllocatorBytes);
}

/// Bytes of versions, those of the index and those of layers, and of what holds them there.
/// Threads: thread-safe. Lifetime: outlives the versions that are charged to it.
class MemoryAccount {
 public:
  void Add(size_t bytes) {
    bytes_.fetch_add(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
  void Subtract(size_t bytes) {
    bytes_.fetch_sub(static_cast<int64_t>(bytes), std::memory_order_relaxed);
  }
  size_t bytes() const { return static_cast<size_t>(bytes_.load(std::memory_order_relaxed)); }

 private:
  std::atomic<int64_t> bytes_{0};
};

}  // namespace weir
