#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/exec/mutex.h"

struct rd_kafka_s;

namespace weir {

/// Writes numbered records into a topic at a steady rate, on a thread of its own, each once and in
/// order (an idempotent producer), however often the broker dies.
class NumberFeeder {
 public:
  static absl::StatusOr<std::unique_ptr<NumberFeeder>> Start(const std::string& bootstrap_servers,
                                                             const std::string& topic);
  ~NumberFeeder();

  /// All ids below it are acknowledged.
  int64_t fed() const;
  /// Ends the stream; the number of ids. UNAVAILABLE when records are not acknowledged.
  absl::StatusOr<int64_t> Finish();

 private:
  NumberFeeder() = default;
  void Run();
  absl::Status SendBatch(int64_t first);
  bool finishing() const;

  rd_kafka_s* producer_ = nullptr;
  std::string topic_;
  mutable Mutex mutex_;
  int64_t fed_ WEIR_GUARDED_BY(mutex_) = 0;
  bool finishing_ WEIR_GUARDED_BY(mutex_) = false;
  absl::Status status_ WEIR_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace weir
