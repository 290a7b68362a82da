#pragma once

#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/random.h"
#include "state/checkpoint/create_only_log.h"

namespace weir {

inline constexpr uint32_t kLogEntryFormatVersion = 1;

/// A CreateOnlyLog of protobuf entries (ClusterLogEntry, JobLogEntry): fills in version, sequence
/// and nonce, checks them on reading, and queues appends so that they go out one at a time, in
/// order. The queue is bounded by its owner, which has a handful of entry kinds in flight.
///
/// Threads, lifetime, errors: as CreateOnlyLog. After a stale append all queued ones fail ABORTED.
template <class Entry>
class EntryLog {
 public:
  using Observer = std::function<absl::Status(const Entry&)>;
  using Done = std::function<void(absl::StatusOr<uint64_t>)>;
  /// Makes the entry when its turn comes, so that it can use what earlier entries changed.
  using Maker = std::function<Entry()>;

  EntryLog(std::string directory, CreateOnlyLog::Options options,
           CreateOnlyLog::Dependencies dependencies, Random& random)
      : log_(std::move(directory), options, dependencies), random_(random) {}

  void Load(Observer observer, std::function<void(absl::Status)> done) {
    log_.Load(Decoding(std::move(observer)), std::move(done));
  }

  void Append(Maker make, Done done) {
    Enqueue({std::move(make), CreateOnlyLog::WhenTaken::kStop, nullptr, std::move(done)});
  }
  /// As Append, but goes on behind entries other writers appended meanwhile, while `observer`
  /// (which gets each of them) says OK.
  void AppendAdvancing(Maker make, Observer observer, Done done) {
    Enqueue({std::move(make), CreateOnlyLog::WhenTaken::kAdvance, std::move(observer),
             std::move(done)});
  }

  /// As CreateOnlyLog.
  void LookAhead(std::function<void(absl::Status)> done) { log_.LookAhead(std::move(done)); }

  uint64_t head() const { return log_.head(); }
  bool stale() const { return log_.stale(); }
  size_t queued() const { return queue_.size(); }

 private:
  struct Request {
    Maker make;
    CreateOnlyLog::WhenTaken when_taken;
    Observer observer;
    Done done;
  };

  CreateOnlyLog::Observer Decoding(Observer observer) {
    return [observer = std::move(observer)](uint64_t sequence,
                                            const std::string& payload) -> absl::Status {
      Entry entry;
      if (!entry.ParseFromString(payload) || entry.sequence() != sequence) {
        return absl::DataLossError(absl::StrCat("log entry ", sequence, " cannot be decoded"));
      }
      if (entry.format_version() > kLogEntryFormatVersion) {
        return absl::FailedPreconditionError(
            absl::StrCat("log entry ", sequence, " has format version ", entry.format_version(),
                         "; this program reads up to ", kLogEntryFormatVersion));
      }
      return observer(entry);
    };
  }

  void Enqueue(Request request) {
    queue_.push_back(std::move(request));
    if (queue_.size() == 1) StartFront();
  }

  void StartNext() {
    if (!queue_.empty() && !log_.appending()) StartFront();
  }

  void StartFront() {
    Request& request = queue_.front();
    log_.Append(
        [this, make = request.make](uint64_t sequence) {
          Entry entry = make();
          entry.set_format_version(kLogEntryFormatVersion);
          entry.set_sequence(sequence);
          entry.set_nonce(random_.HexId());
          return entry.SerializeAsString();
        },
        request.when_taken, request.observer ? Decoding(request.observer) : nullptr,
        [this](absl::StatusOr<uint64_t> result) { OnFrontDone(std::move(result)); });
  }

  // `done` may append again, or destroy this log.
  void OnFrontDone(absl::StatusOr<uint64_t> result) {
    Done done = std::move(queue_.front().done);
    queue_.pop_front();
    auto next = lifetime_.Guard([this] { StartNext(); });
    done(std::move(result));
    next();
  }

  CreateOnlyLog log_;
  Random& random_;
  std::deque<Request> queue_;
  Lifetime lifetime_;
};

}  // namespace weir
