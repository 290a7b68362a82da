#pragma once

#include <cstddef>

namespace weir {

inline constexpr size_t kMemoryLineBytes = 64;

/// Asks for the line of memory at `address`, which need not be one that may be read: it will be in
/// the cache when it is needed soon. Only costs change by it.
///
/// A function that does nothing but prefetch is pure to g++ 12, which removes calls of it; the
/// empty instruction is what it may not remove.
inline void PrefetchLine(const void* address) {
  __builtin_prefetch(address);
  asm volatile("" : : "r"(address));
}

}  // namespace weir
