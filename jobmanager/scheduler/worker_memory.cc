#include "jobmanager/scheduler/worker_memory.h"

#include <algorithm>

namespace weir::jobmanager {
namespace {

constexpr uint64_t kLeast = uint64_t{1} << 20;  // what the options ask for, too

}  // namespace

WorkerMemory DivideWorkerMemory(const MemoryWish& wish, uint64_t worker_bytes) {
  WorkerMemory memory{wish.state_bytes, wish.exchange_bytes};
  if (worker_bytes == 0) return memory;
  if (!wish.state_is_set) memory.state_bytes = std::max(worker_bytes / 5 * 2, kLeast);
  if (!wish.exchange_is_set) {
    memory.exchange_bytes = std::max(std::min(wish.exchange_bytes, worker_bytes / 10), kLeast);
  }
  return memory;
}

}  // namespace weir::jobmanager
