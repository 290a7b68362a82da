#pragma once

#include <atomic>
#include <cstdint>

namespace weir::taskmanager {

/// What the exchange of a worker has done since its start, over all generations. Any thread.
struct ExchangeCounters {
  std::atomic<uint64_t> frames_sent{0};
  std::atomic<uint64_t> bytes_sent{0};
  std::atomic<uint64_t> messages_sent{0};
  std::atomic<uint64_t> frames_received{0};
  std::atomic<uint64_t> bytes_received{0};
  std::atomic<uint64_t> grant_messages_sent{0};
  std::atomic<uint64_t> stale_frames{0};  // dropped: of another generation, worker or channel
  std::atomic<uint64_t> stale_grants{0};

  static void Add(std::atomic<uint64_t>& counter, uint64_t count) {
    counter.fetch_add(count, std::memory_order_relaxed);
  }
};

}  // namespace weir::taskmanager
