#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/connector/record_errors.h"
#include "common/connector/source_metrics.h"
#include "common/connector/split.h"
#include "common/connector/topic_partitioning.h"
#include "common/types/batch.h"
#include "common/types/schema.h"

namespace weir {

/// Finds the splits of a source; lives in the job's coordinator task, one per source and
/// generation. Its durable state is the list of discovered splits with their resolved starting
/// positions and nothing else: who owns a split is never stored.
///
/// Threads: one thread at a time, of a BlockingPool: calls may block.
class SplitEnumerator {
 public:
  virtual ~SplitEnumerator() = default;
  /// Splits that are not in `known`, with their starting positions resolved (latest, timestamps and
  /// committed offsets become numbers here, once). The first call gets an empty list.
  /// Errors: INVALID_ARGUMENT or NOT_FOUND when trying again is useless (unknown topic, no such
  /// offset), UNAVAILABLE when it may help.
  virtual absl::StatusOr<std::vector<SourceSplit>> DiscoverSplits(
      const std::vector<SourceSplit>& known) = 0;
  /// The subtask that reads the split: a pure function, even over subtasks, stable over restarts.
  /// Of a source with partitioning(): the one that has the partition as a key group
  /// (DefaultKeyGroupTable).
  virtual uint32_t OwnerOf(const SourceSplit& split, uint32_t parallelism) const = 0;
  /// How often to look for new splits; zero: only once.
  virtual absl::Duration discovery_interval() const { return absl::ZeroDuration(); }
  /// Of a source with partitioning(): an error that suspends the job (common/base/failure_policy.h)
  /// when its topic has another number of partitions by now. DiscoverSplits says the same, but at
  /// the first call of a job INVALID_ARGUMENT.
  virtual absl::Status CheckPartitioning() { return absl::OkStatus(); }
};

/// What one Poll gave.
struct ReadResult {
  enum class Next {
    kMore,        // poll again at once
    kWait,        // nothing now: the wake-up of SourceReader::SetWakeup tells when
    kEndOfInput,  // every split is at its end (bounded sources)
  };
  Next next = Next::kWait;
  BatchPtr batch;    // null or non-empty, rows of one split only
  size_t split = 0;  // ordinal of that split in the order of AddSplits
};

/// Reads the splits of one subtask.
///
/// Life cycle: constructed; SetWakeup; AddSplits (possibly again later); Poll/Snapshot; destroyed.
/// No client connection is opened before AddSplits: a reader touches nothing outside until then.
/// Threads: all calls on the task's thread, none blocks for long; the wake-up is called from any.
class SourceReader {
 public:
  virtual ~SourceReader() = default;
  virtual void SetWakeup(std::function<void()> wakeup) = 0;
  /// Before AddSplits: for records that cannot be decoded. Without it they are errors of Poll.
  virtual void SetErrors(RecordErrors* errors) { (void)errors; }
  virtual absl::Status AddSplits(const std::vector<SourceSplit>& splits) = 0;
  virtual absl::StatusOr<ReadResult> Poll() = 0;
  /// Positions behind the last batch that Poll returned, in the order of AddSplits.
  virtual absl::StatusOr<std::vector<SourceSplit>> Snapshot() = 0;
  /// The epoch whose snapshot held `splits` is durable and owned. For observers only.
  virtual void NotifyCheckpointComplete(const std::vector<SourceSplit>& splits) { (void)splits; }
  /// The same object in every call; null when it counts nothing.
  virtual std::shared_ptr<const SourceMetrics> metrics() const { return nullptr; }
};

/// A source as the job author configured it. Immutable and thread-safe; part of the graph.
class Source {
 public:
  virtual ~Source() = default;
  virtual std::string type() const = 0;
  virtual std::shared_ptr<const Schema> schema() const = 0;
  virtual bool bounded() const = 0;
  /// In words and without secrets, for plan and fingerprint.
  virtual std::map<std::string, std::string> Describe() const = 0;
  /// What is declared of its one topic; nothing: records of a key may be in any split.
  virtual std::optional<TopicPartitioning> partitioning() const { return std::nullopt; }
  /// Finds errors that need no connection. INVALID_ARGUMENT with one sentence.
  virtual absl::Status Validate() const { return absl::OkStatus(); }
  virtual absl::StatusOr<std::unique_ptr<SplitEnumerator>> MakeEnumerator() const = 0;
  virtual absl::StatusOr<std::unique_ptr<SourceReader>> MakeReader(uint32_t subtask_index,
                                                                   uint32_t parallelism) const = 0;
};

}  // namespace weir
