#include "state/checkpoint/create_only_log.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "common/base/check.h"
#include "state/checkpoint/checked_file.h"

namespace weir {
namespace {

bool IsUnknownOutcome(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

CreateOnlyLog::CreateOnlyLog(std::string directory, Options options, Dependencies dependencies)
    : directory_(std::move(directory)), options_(options), deps_(dependencies) {}

std::string CreateOnlyLog::EntryPath(uint64_t sequence) const {
  return absl::StrFormat("%s/%010d", directory_, sequence);
}

void CreateOnlyLog::Load(Observer observer, std::function<void(absl::Status)> done) {
  WEIR_CHECK(head_ == 0) << "Load is the first call, once";
  LoadNext(1, std::move(observer), std::move(done));
}

void CreateOnlyLog::LoadNext(uint64_t sequence, Observer observer,
                             std::function<void(absl::Status)> done) {
  using Contents = absl::StatusOr<std::string>;
  deps_.pool.Run<Contents>(
      deps_.executor,
      [&files = deps_.files, path = EntryPath(sequence)] { return files.Read(path); },
      lifetime_.Guard([this, sequence, observer = std::move(observer),
                       done = std::move(done)](Contents contents) mutable {
        if (absl::IsNotFound(contents.status())) return done(absl::OkStatus());
        if (IsUnknownOutcome(contents.status())) {
          return RetryLater(
              [this, sequence, observer = std::move(observer), done = std::move(done)]() mutable {
                LoadNext(sequence, std::move(observer), std::move(done));
              });
        }
        if (!contents.ok()) return done(contents.status());
        absl::StatusOr<std::string> payload = UnframeChecked(*contents, EntryPath(sequence));
        if (!payload.ok()) return done(payload.status());
        const absl::Status seen = observer(sequence, *payload);
        if (!seen.ok()) return done(seen);
        head_ = sequence;
        head_contents_ = *std::move(contents);
        LoadNext(sequence + 1, std::move(observer), std::move(done));
      }));
}

void CreateOnlyLog::Append(Encoder encode, WhenTaken when_taken, Observer observer,
                           std::function<void(absl::StatusOr<uint64_t>)> done) {
  WEIR_CHECK(pending_ == nullptr) << "one append at a time in " << directory_;
  if (stale_) return done(absl::AbortedError(absl::StrCat(directory_, " has another writer")));
  pending_ = std::make_unique<Pending>();
  pending_->encode = std::move(encode);
  pending_->when_taken = when_taken;
  pending_->observer = std::move(observer);
  pending_->done = std::move(done);
  pending_->sequence = head_ + 1;
  pending_->contents = FrameChecked(pending_->encode(pending_->sequence));
  TryAppend();
}

void CreateOnlyLog::LookAhead(std::function<void(absl::Status)> done) {
  if (pending_ != nullptr) return done(absl::OkStatus());  // the append itself will tell
  using Contents = absl::StatusOr<std::string>;
  const uint64_t next = head_ + 1;
  deps_.pool.Run<Contents>(
      deps_.executor, [&files = deps_.files, path = EntryPath(next)] { return files.Read(path); },
      lifetime_.Guard([this, next, done = std::move(done)](const Contents& contents) {
        const bool ours = pending_ != nullptr || head_ >= next;
        if (!contents.ok() || ours) return done(absl::OkStatus());
        stale_ = true;
        done(absl::AbortedError(absl::StrCat("another writer appended ", EntryPath(next))));
      }));
}

void CreateOnlyLog::TryAppend() {
  deps_.pool.Run<absl::Status>(
      deps_.executor,
      [&files = deps_.files, path = EntryPath(pending_->sequence), bytes = pending_->contents] {
        return files.CreateExclusive(path, bytes);
      },
      lifetime_.Guard([this](const absl::Status& created) { OnCreated(created); }));
}

void CreateOnlyLog::OnCreated(const absl::Status& created) {
  if (created.ok()) return ReadBack();
  if (absl::IsAlreadyExists(created)) return ReadTaken();
  if (IsUnknownOutcome(created)) {
    pending_->in_doubt = true;
    return RetryLater([this] { TryAppend(); });
  }
  // An earlier try of these bytes may still land: only its number can decide.
  if (pending_->in_doubt) return RetryLater([this] { TryAppend(); });
  Finish(created);
}

void CreateOnlyLog::ReadTaken() {
  using Contents = absl::StatusOr<std::string>;
  deps_.pool.Run<Contents>(
      deps_.executor,
      [&files = deps_.files, path = EntryPath(pending_->sequence)] { return files.Read(path); },
      lifetime_.Guard([this](Contents contents) { OnTaken(std::move(contents)); }));
}

void CreateOnlyLog::OnTaken(absl::StatusOr<std::string> contents) {
  if (IsUnknownOutcome(contents.status())) return RetryLater([this] { ReadTaken(); });
  if (!contents.ok()) return BecomeStale(contents.status().ToString());
  if (*contents == pending_->contents) return ReadBack();
  if (pending_->when_taken == WhenTaken::kStop) {
    return BecomeStale("another writer appended there");
  }
  absl::StatusOr<std::string> payload = UnframeChecked(*contents, EntryPath(pending_->sequence));
  const absl::Status seen =
      payload.ok() ? pending_->observer(pending_->sequence, *payload) : payload.status();
  if (!seen.ok()) return BecomeStale(seen.ToString());
  head_ = pending_->sequence;
  head_contents_ = *std::move(contents);
  pending_->sequence = head_ + 1;
  pending_->contents = FrameChecked(pending_->encode(pending_->sequence));
  pending_->in_doubt = false;
  TryAppend();
}

void CreateOnlyLog::ReadBack() {
  if (pending_->sequence == 1) return OnReadBack(head_contents_);
  using Contents = absl::StatusOr<std::string>;
  deps_.pool.Run<Contents>(
      deps_.executor,
      [&files = deps_.files, path = EntryPath(pending_->sequence - 1)] { return files.Read(path); },
      lifetime_.Guard([this](Contents contents) { OnReadBack(std::move(contents)); }));
}

void CreateOnlyLog::OnReadBack(absl::StatusOr<std::string> contents) {
  if (IsUnknownOutcome(contents.status())) return RetryLater([this] { ReadBack(); });
  if (!contents.ok()) return BecomeStale(contents.status().ToString());
  if (*contents != head_contents_) return BecomeStale("the entry before it was replaced");
  head_ = pending_->sequence;
  head_contents_ = pending_->contents;
  Finish(head_);
}

void CreateOnlyLog::RetryLater(std::function<void()> step) {
  deps_.executor.PostAfter(options_.retry_pause, lifetime_.Guard(std::move(step)));
}

void CreateOnlyLog::Finish(absl::StatusOr<uint64_t> result) {
  std::unique_ptr<Pending> pending = std::move(pending_);
  pending->done(std::move(result));
}

void CreateOnlyLog::BecomeStale(const std::string& why) {
  stale_ = true;
  Finish(absl::AbortedError(
      absl::StrCat("append of ", EntryPath(pending_->sequence), " came too late: ", why)));
}

}  // namespace weir
