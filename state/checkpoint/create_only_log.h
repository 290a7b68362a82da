#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/exec/blocking_pool.h"
#include "common/exec/executor.h"
#include "common/exec/lifetime.h"
#include "common/io/file_system.h"

namespace weir {

/// One create-only log: entries 1, 2, 3, ... as files, appended by create-if-absent with read-back.
/// Protocol: docs/protocols/logs.md.
///
/// Life cycle: Load once, then Append, one at a time. Once stale, every append fails.
/// Threads: not thread-safe; all calls and callbacks on `executor`. Blocking work runs on `pool`.
/// Lifetime: borrows its dependencies. Callbacks are dropped on destruction; an append in flight
/// may still take effect afterwards, which is why the next leader looks for it.
class CreateOnlyLog {
 public:
  struct Dependencies {
    FileSystem& files;
    BlockingPool& pool;
    Executor& executor;
  };
  struct Options {
    absl::Duration retry_pause = absl::Milliseconds(50);  // after an unknown outcome
  };
  enum class WhenTaken {
    kStop,     // another writer's entry at our number: we are stale
    kAdvance,  // read it, offer it to the observer, try the next number (a takeover)
  };
  /// Gets an entry another writer appended; returns OK to go on behind it.
  using Observer = std::function<absl::Status(uint64_t sequence, const std::string& payload)>;
  /// Makes the payload for a sequence number; called once per number tried.
  using Encoder = std::function<std::string(uint64_t sequence)>;

  CreateOnlyLog(std::string directory, Options options, Dependencies dependencies);

  /// Reads every entry from 1 up to the first absent one and hands each to `observer` in order.
  /// DATA_LOSS for a corrupt entry; UNAVAILABLE is retried until decided.
  void Load(Observer observer, std::function<void(absl::Status)> done);

  /// OK with the entry's number: it counts. ABORTED: stale, another writer has the log. Any other
  /// error: the entry is certainly not in the log, and the log can go on.
  void Append(Encoder encode, WhenTaken when_taken, Observer observer,
              std::function<void(absl::StatusOr<uint64_t>)> done);

  /// Looks whether somebody appended behind our head: ABORTED, and this log is stale. OK when not,
  /// and when storage does not say. A writer with nothing to append finds out by this.
  void LookAhead(std::function<void(absl::Status)> done);

  uint64_t head() const { return head_; }
  bool stale() const { return stale_; }
  bool appending() const { return pending_ != nullptr; }
  std::string EntryPath(uint64_t sequence) const;

 private:
  struct Pending {
    Encoder encode;
    WhenTaken when_taken = WhenTaken::kStop;
    Observer observer;
    std::function<void(absl::StatusOr<uint64_t>)> done;
    uint64_t sequence = 0;
    std::string contents;   // of entry `sequence`, never changed once tried
    bool in_doubt = false;  // an earlier try of these bytes had an unknown outcome
  };

  void LoadNext(uint64_t sequence, Observer observer, std::function<void(absl::Status)> done);
  void TryAppend();
  void OnCreated(const absl::Status& created);
  void ReadTaken();
  void OnTaken(absl::StatusOr<std::string> contents);
  void ReadBack();
  void OnReadBack(absl::StatusOr<std::string> contents);
  void RetryLater(std::function<void()> step);
  void Finish(absl::StatusOr<uint64_t> result);
  void BecomeStale(const std::string& why);

  const std::string directory_;
  const Options options_;
  const Dependencies deps_;
  uint64_t head_ = 0;
  std::string head_contents_;
  bool stale_ = false;
  std::unique_ptr<Pending> pending_;
  Lifetime lifetime_;
};

}  // namespace weir
