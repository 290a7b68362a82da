#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// A number that only grows, such as records read. Wait-free, any thread; called per batch.
class Counter {
 public:
  void Add(uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace weir
