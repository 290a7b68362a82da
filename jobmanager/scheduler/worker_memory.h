#pragma once

#include <cstdint>

namespace weir::jobmanager {

/// What the options of a job say about the memory of its workers.
struct MemoryWish {
  uint64_t state_bytes = 0;  // state.memory
  bool state_is_set = false;
  uint64_t exchange_bytes = 0;  // exchange.memory
  bool exchange_is_set = false;
};

/// Budgets of one worker, in bytes.
struct WorkerMemory {
  uint64_t state_bytes = 0;
  uint64_t exchange_bytes = 0;
};

/// What somebody has set is taken as it is. The rest follows from what the worker may use for all
/// its slots (0: no limit, and the options' defaults count): two fifths of it for decoded state, at
/// most a tenth for the exchange, each at least 1 MiB. What is left is for RocksDB's caches, the
/// queues of Kafka clients, records on their way, and the program. Pure.
WorkerMemory DivideWorkerMemory(const MemoryWish& wish, uint64_t worker_bytes);

}  // namespace weir::jobmanager
