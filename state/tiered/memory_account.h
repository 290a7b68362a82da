#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

/// Bytes of versions: those of the index and those of layers.
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
