#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "common/exec/mutex.h"
#include "tests/support/kafka/topic_client.h"

namespace weir {

/// Writes keyed numbers into a topic of two partitions at a steady rate, ids from 0, on a thread of
/// its own, from Start to Finish; all numbers of a key go to one partition, in order. Outlives
/// brokers that are down for a while.
class RecordFeeder {
 public:
  static constexpr int kPartitions = 2;
  static constexpr int64_t kKeys = 6;

  static absl::StatusOr<std::unique_ptr<RecordFeeder>> Start(const std::string& bootstrap_servers,
                                                             const std::string& topic);
  ~RecordFeeder();

  /// {"key":"k3","id":15}
  static std::string Value(int64_t id);

  /// How many are acknowledged.
  int64_t fed() const;
  /// Ends the stream; returns how many numbers it had, all acknowledged.
  absl::StatusOr<int64_t> Finish();

 private:
  RecordFeeder() = default;
  void Run();

  std::unique_ptr<TopicClient> client_;
  std::string topic_;
  mutable Mutex mutex_;
  int64_t fed_ WEIR_GUARDED_BY(mutex_) = 0;
  bool finishing_ WEIR_GUARDED_BY(mutex_) = false;
  absl::Status status_ WEIR_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace weir
