#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace weir {

/// Whose dead letters: one operator's of one job.
struct DeadLetterOrigin {
  std::string job_id;
  std::string operator_uid;
  bool source = false;  // the letters are records as they came; else an operator's input as JSON
};

/// A dead letter as it lies in its topic.
struct StoredDeadLetter {
  int32_t partition = 0;
  int64_t offset = 0;
  int64_t timestamp_ms = -1;
  std::map<std::string, std::string> headers;
  std::optional<std::string> key;
  std::optional<std::string> value;
};

/// One partition of a topic of dead letters.
struct DeadLetterPartition {
  int32_t partition = 0;
  int64_t begin = 0;  // the first that is still there
  int64_t end = 0;    // behind the last committed one; control records count, too
  /// Replay goes on here; those of this origin below it have been replayed. Absent: none was.
  std::optional<int64_t> replayed_to;
};

/// The dead letters of one operator, looked at from outside of the job; others' in the same topic
/// are left alone. Lives in a process of its own, while the job runs, is suspended, or has ended.
/// Threads: one at a time; calls block.
/// Errors: NOT_FOUND (topic, partition), UNAVAILABLE, DEADLINE_EXCEEDED and others of the outside;
/// FAILED_PRECONDITION: Replay is not possible so; one sentence each.
class DeadLetterBox {
 public:
  virtual ~DeadLetterBox() = default;
  virtual std::string topic() const = 0;
  virtual absl::StatusOr<std::vector<DeadLetterPartition>> List() = 0;
  /// The first `limit` that are not replayed yet, of each partition in turn; `all`: the replayed
  /// ones, too.
  struct ReadOptions {
    size_t limit = 0;
    bool all = false;
  };
  virtual absl::StatusOr<std::vector<StoredDeadLetter>> Read(const ReadOptions& options) = 0;
  /// Writes what is not replayed yet where it was read, to the same partition, or to `target`; in
  /// transactions that also hold how far it came. Repeated after an error, it goes on behind the
  /// last committed one, and so each letter is replayed once.
  struct ReplayOptions {
    std::string target;  // a topic; "": where each came from
    size_t limit = 0;    // 0: all that are there now
  };
  virtual absl::StatusOr<uint64_t> Replay(const ReplayOptions& options) = 0;
};

}  // namespace weir
