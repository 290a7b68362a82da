#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

struct rd_kafka_s;

namespace weir {

/// Reads all partitions of a topic from the beginning as records are committed, on a thread of its
/// own, however often brokers die, until it is destroyed.
class CommittedTopicReader {
 public:
  /// The views are valid during the call; null keys and values are empty.
  struct Record {
    absl::string_view key;
    absl::string_view value;
    int32_t partition = 0;
    int64_t offset = 0;
  };
  /// On the reader's thread.
  using Visitor = std::function<void(const Record&)>;

  static absl::StatusOr<std::unique_ptr<CommittedTopicReader>> Start(
      const std::string& bootstrap_servers, const std::string& topic, int partitions,
      Visitor visitor);
  ~CommittedTopicReader();

 private:
  CommittedTopicReader(rd_kafka_s* consumer, Visitor visitor);
  void Run();

  rd_kafka_s* consumer_;
  const Visitor visitor_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace weir
