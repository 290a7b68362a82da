#include "jobmanager/checkpoint/checkpoint_coordinator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/check.h"
#include "common/base/log.h"
#include "common/base/sha256.h"
#include "common/base/status_macros.h"

namespace weir::jobmanager {
namespace {
constexpr size_t kFailedEpochsKept = 16;
// What is younger in a folder of an unknown worker may be one's that has just been started.
constexpr absl::Duration kLeftoverAge = absl::Hours(1);
bool HasFiles(const proto::CheckpointManifest& manifest) {
  for (const proto::TaskSnapshot& task : manifest.tasks()) {
    for (const proto::OperatorSnapshot& one : task.operators()) {
      if (!one.files().empty()) return true;
    }
  }
  return false;
}

// Increments share files with the checkpoints before and after them.
absl::StatusOr<std::vector<std::string>> BlobsToRetire(
    StateObjectStore& objects, const proto::CheckpointOwned& checkpoint,
    const std::vector<proto::CheckpointOwned>& kept) {
  WEIR_ASSIGN_OR_RETURN(const proto::CheckpointManifest manifest, objects.ReadManifest(checkpoint));
  std::vector<proto::CheckpointManifest> others;
  if (HasFiles(manifest)) {
    for (const proto::CheckpointOwned& other : kept) {
      WEIR_ASSIGN_OR_RETURN(others.emplace_back(), objects.ReadManifest(other));
    }
  }
  return StateObjectStore::UnsharedBlobs(manifest, others);
}

}  // namespace

CheckpointCoordinator::CheckpointCoordinator(JobId job, LeaderTerm term, CheckpointOptions options,
                                             Dependencies dependencies)
    : job_(std::move(job)), term_(term), options_(options), deps_(dependencies) {}

CheckpointCoordinator::~CheckpointCoordinator() {
  deps_.executor.Cancel(trigger_timer_);
  deps_.executor.Cancel(timeout_timer_);
  deps_.executor.Cancel(receipt_timer_);
}

int64_t CheckpointCoordinator::NowMs() const { return absl::ToUnixMillis(deps_.clock.Now()); }

std::optional<Epoch> CheckpointCoordinator::highest_attempt() const {
  const std::optional<Epoch> logged = deps_.log.history().highest_epoch();
  return highest_tried_ && (!logged || *logged < *highest_tried_) ? highest_tried_ : logged;
}

Epoch CheckpointCoordinator::NextEpoch() const {
  const std::optional<Epoch> highest = highest_attempt();
  return highest ? highest->Next() : Epoch(0);
}

std::optional<Epoch> CheckpointCoordinator::permitted() const {
  const auto& owned = deps_.log.history().owned();
  if (owned.empty()) return std::nullopt;
  return owned.rbegin()->first;
}

void CheckpointCoordinator::OwnInitialEpoch(Generation generation,
                                            std::function<void(absl::Status)> failed) {
  WEIR_CHECK(pending_ == nullptr) << "epoch 0 is the first attempt of job " << job_;
  generation_ = generation;
  initial_failed_ = std::move(failed);
  pending_ = std::make_unique<PendingCheckpoint>(NextEpoch(), term_, false,
                                                 std::vector<SubtaskId>(), deps_.clock.Monotonic());
  highest_tried_ = pending_->epoch();
  statistics_.OnTriggered(pending_->epoch(), generation, term_, NowMs());
  Complete();
}

void CheckpointCoordinator::Start(Generation generation, std::vector<SubtaskId> tasks,
                                  bool transactional) {
  generation_ = generation;
  tasks_ = std::move(tasks);
  transactional_ = transactional;
  final_requested_ = false;
  final_not_before_ = absl::ZeroDuration();
  WithdrawSuspending();
  failures_in_row_ = 0;
  last_trigger_ = last_end_ = deps_.clock.Monotonic();
  ScheduleTrigger();
}

void CheckpointCoordinator::Stop(const std::string& why) {
  generation_ = Generation();
  final_requested_ = false;
  WithdrawSuspending();
  deps_.executor.Cancel(trigger_timer_);
  initial_failed_ = nullptr;
  if (collecting()) Fail(why);
}

void CheckpointCoordinator::Close(const std::string& why) {
  Stop(why);
  closed_ = true;
  deps_.executor.Cancel(receipt_timer_);
}

void CheckpointCoordinator::ScheduleTrigger() {
  deps_.executor.Cancel(trigger_timer_);
  const absl::Duration due = suspending_requested_ ? deps_.clock.Monotonic()
                                                   : std::max(last_trigger_ + options_.interval,
                                                              last_end_ + options_.min_pause);
  trigger_timer_ = deps_.executor.PostAfter(due - deps_.clock.Monotonic(),
                                            lifetime_.Guard([this] { TryTrigger(); }));
}

bool CheckpointCoordinator::AwaitsCommit() const {
  const std::optional<Epoch> newest = permitted();
  if (!newest || !deps_.log.history().AwaitsReceipt(*newest)) return false;
  return !committed_ || *committed_ < *newest;
}

void CheckpointCoordinator::TryTrigger() {
  if (generation_.is_none() || pending_ != nullptr || final_requested_) return;
  if (AwaitsCommit()) return;  // OnCommitted comes back here
  Trigger(false);
}

void CheckpointCoordinator::RequestFinal() {
  if (generation_.is_none() || final_requested_) return;
  deps_.executor.Cancel(trigger_timer_);
  const absl::Duration pause = final_not_before_ - deps_.clock.Monotonic();
  if (pause > absl::ZeroDuration()) {
    trigger_timer_ = deps_.executor.PostAfter(pause, lifetime_.Guard([this] { RequestFinal(); }));
    return;
  }
  final_requested_ = true;
  if (pending_ == nullptr && !AwaitsCommit()) Trigger(true);
}

void CheckpointCoordinator::RequestSuspending() {
  if (generation_.is_none() || final_requested_) return;
  suspending_requested_ = true;
  suspending_ = true;
  if (pending_ == nullptr) ScheduleTrigger();
}

void CheckpointCoordinator::WithdrawSuspending() {
  suspending_requested_ = false;
  suspending_ = false;
}

void CheckpointCoordinator::Trigger(bool final) {
  last_trigger_ = deps_.clock.Monotonic();
  pending_ = std::make_unique<PendingCheckpoint>(NextEpoch(), term_, final, tasks_, last_trigger_);
  suspending_requested_ = false;
  if (suspending_) pending_->Suspends();
  highest_tried_ = pending_->epoch();
  statistics_.OnTriggered(pending_->epoch(), generation_, term_, NowMs());
  timeout_timer_ =
      deps_.executor.PostAfter(options_.timeout, lifetime_.Guard([this, epoch = pending_->epoch()] {
        if (!collecting() || pending_->epoch() != epoch) return;
        Fail(absl::StrCat("timed out after ", absl::FormatDuration(options_.timeout), ": ",
                          pending_->waiting().size(), " tasks have not answered"));
      }));
  deps_.delegate.OnDirectiveChanged();
}

void CheckpointCoordinator::OnAnswer(const proto::CheckpointAnswer& answer) {
  const Epoch epoch(answer.epoch());
  if (LeaderTerm(answer.attempt_term()) != term_) return;
  if (!collecting() || pending_->epoch() != epoch) {
    const bool failed = std::count(failed_epochs_.begin(), failed_epochs_.end(), epoch) > 0;
    if (!failed) return;
    // Blobs of an attempt that was given up meanwhile: name them, then delete them.
    proto::CheckpointManifest late;
    *late.mutable_tasks() = answer.snapshots();
    std::vector<std::string> blobs;
    for (std::string& blob : StateObjectStore::OwnBlobs(late)) {
      if (doomed_[epoch].insert(blob).second) blobs.push_back(std::move(blob));
    }
    if (!blobs.empty()) AppendAborted(epoch, term_, "late answer", std::move(blobs));
    return;
  }
  pending_->OnAnswer(answer, deps_.clock.Monotonic());
  statistics_.OnAnswered(epoch, pending_->Statistics());
  if (!answer.declined().empty()) return Fail(answer.declined());
  if (pending_->complete()) Complete();
}

void CheckpointCoordinator::Complete() {
  completing_ = true;
  deps_.executor.Cancel(timeout_timer_);
  auto manifest = std::make_shared<proto::CheckpointManifest>();
  manifest->set_format_version(1);
  manifest->set_job(job_.value());
  manifest->set_epoch(pending_->epoch().value());
  manifest->set_generation(generation_.value());
  for (proto::SourceCoordinatorState& state : deps_.delegate.SourceStates()) {
    *manifest->add_coordinators() = std::move(state);
  }
  for (proto::SinkCoordinatorState& state : deps_.delegate.SinkStates()) {
    *manifest->add_sinks() = std::move(state);
  }
  pending_->FillManifest(manifest.get());

  proto::CheckpointOwned owned;
  owned.set_epoch(pending_->epoch().value());
  owned.set_generation(generation_.value());
  owned.set_final(pending_->final());
  owned.set_sinks_prepared(transactional_ && !tasks_.empty() && pending_->epoch() > Epoch(0));
  owned.set_completed_at_ms(NowMs());
  if (manifest->ByteSizeLong() <= options_.manifest_inline_max_bytes) {
    *owned.mutable_manifest() = *manifest;
    return AppendOwned(std::move(owned));
  }
  auto bytes = std::make_shared<std::string>(manifest->SerializeAsString());
  owned.set_manifest_object(StorageLayout::ManifestObject(pending_->epoch(), deps_.random.HexId()));
  owned.set_manifest_sha256(Sha256Hex(*bytes));
  deps_.pool.Run<absl::Status>(
      deps_.executor,
      [&objects = deps_.objects, bytes, object = owned.manifest_object()] {
        return objects.WriteManifest(object, *bytes);
      },
      lifetime_.Guard([this, owned](const absl::Status& written) {
        if (written.ok()) return AppendOwned(owned);
        OnAppended(written, owned);
      }));
}

void CheckpointCoordinator::AppendOwned(proto::CheckpointOwned owned) {
  if (closed_) return;
  deps_.log.Append(
      [owned](const JobHistory&) {
        proto::JobLogEntry entry;
        *entry.mutable_checkpoint() = owned;
        return entry;
      },
      lifetime_.Guard([this, owned](const absl::Status& status) { OnAppended(status, owned); }));
}

void CheckpointCoordinator::OnAppended(const absl::Status& status,
                                       const proto::CheckpointOwned& owned) {
  if (absl::IsAborted(status)) return;  // stale; the JobLog has told the owner
  if (!status.ok()) {
    completing_ = false;
    std::function<void(absl::Status)> initial_failed = std::move(initial_failed_);
    initial_failed_ = nullptr;
    Fail(absl::StrCat("cannot be written: ", status.message()), owned.manifest_object());
    deps_.delegate.OnCoordinatorIdle();
    if (initial_failed) initial_failed(status);
    return;
  }
  const Epoch epoch = pending_->epoch();
  const bool final = pending_->final();
  LogInfo("checkpoint owned", {{"job", job_}, {"epoch", epoch}, {"term", term_}});
  deps_.delegate.OnCheckpointEnded(statistics_.OnCompleted(epoch, NowMs(), pending_->StateBytes()));
  failures_in_row_ = 0;
  pending_.reset();
  completing_ = false;
  initial_failed_ = nullptr;
  last_end_ = deps_.clock.Monotonic();
  if (!generation_.is_none()) {
    if (final_requested_ && !final && !AwaitsCommit()) {
      Trigger(true);
    } else if (!final_requested_ && !tasks_.empty()) {
      ScheduleTrigger();
    }
  }
  RetireOldest();
  deps_.delegate.OnOwned(epoch, final);
  deps_.delegate.OnDirectiveChanged();
  deps_.delegate.OnCoordinatorIdle();
}

void CheckpointCoordinator::Fail(const std::string& why, const std::string& manifest_object) {
  const Epoch epoch = pending_->epoch();
  LogWarning("checkpoint failed", {{"job", job_}, {"epoch", epoch}, {"reason", why}});
  deps_.delegate.OnCheckpointEnded(statistics_.OnFailed(epoch, NowMs(), why));
  std::vector<std::string> objects = pending_->Blobs();
  if (!manifest_object.empty()) objects.push_back(manifest_object);
  doomed_[epoch].insert(objects.begin(), objects.end());
  AppendAborted(epoch, pending_->term(), why, std::move(objects));
  failed_epochs_.push_back(epoch);
  if (failed_epochs_.size() > kFailedEpochsKept) {
    doomed_.erase(failed_epochs_.front());
    failed_epochs_.pop_front();
  }
  deps_.executor.Cancel(timeout_timer_);
  pending_.reset();
  last_end_ = deps_.clock.Monotonic();
  if (generation_.is_none()) return;
  ++failures_in_row_;
  if (options_.tolerable_failures && failures_in_row_ > *options_.tolerable_failures) {
    return deps_.delegate.OnTooManyFailures(why);
  }
  if (final_requested_) {
    // The end of input still has to be committed: try again after one interval.
    final_requested_ = false;
    final_not_before_ = last_end_ + options_.interval;
    RequestFinal();
  } else {
    ScheduleTrigger();
  }
  deps_.delegate.OnDirectiveChanged();
}

void CheckpointCoordinator::AppendAborted(Epoch epoch, LeaderTerm term, const std::string& why,
                                          std::vector<std::string> objects) {
  if (closed_) return;
  deps_.log.Append(
      [epoch, term, why, objects](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_aborted()->set_epoch(epoch.value());
        entry.mutable_aborted()->set_attempt_term(term.value());
        entry.mutable_aborted()->set_reason(why);
        for (const std::string& object : objects) entry.mutable_aborted()->add_objects(object);
        return entry;
      },
      lifetime_.Guard([this, objects](const absl::Status& status) {
        if (status.ok()) Delete(objects);
      }));
}

void CheckpointCoordinator::OnCommitted(Epoch through) {
  if (committed_ && *committed_ >= through) return;
  committed_ = through;
  statistics_.OnCommitted(through);
  deps_.log.SetCommitted(through);
  AppendReceiptLater();
  if (generation_.is_none() || pending_ != nullptr) return;
  const JobHistory::OwnedEpoch* newest = deps_.log.history().newest_owned();
  if (newest != nullptr && newest->checkpoint.final()) return;  // nothing comes behind it
  if (final_requested_) {
    if (!AwaitsCommit()) Trigger(true);
  } else if (!tasks_.empty()) {
    ScheduleTrigger();
  }
}

void CheckpointCoordinator::AppendReceiptLater() {
  if (closed_) return;
  deps_.executor.Cancel(receipt_timer_);
  receipt_timer_ = deps_.executor.PostAfter(options_.interval, lifetime_.Guard([this] {
    if (!deps_.log.receipt_due()) return;
    deps_.log.Append(
        [through = *committed_](const JobHistory&) {
          proto::JobLogEntry entry;
          entry.mutable_committed()->set_epoch(through.value());
          return entry;
        },
        lifetime_.Guard([this](const absl::Status& status) {
          if (status.ok()) RetireOldest();
        }));
  }));
}

void CheckpointCoordinator::RetireOldest() {
  const JobHistory& history = deps_.log.history();
  if (closed_ || retiring_ || history.owned().size() <= options_.retained) return;
  const auto& [epoch, owned] = *history.owned().begin();
  if (history.AwaitsReceipt(epoch)) return;
  retiring_ = true;
  std::vector<proto::CheckpointOwned> kept;
  for (const auto& [later, one] : history.owned()) {
    if (later != epoch) kept.push_back(one.checkpoint);
  }
  using Blobs = absl::StatusOr<std::vector<std::string>>;
  deps_.pool.Run<Blobs>(
      deps_.executor,
      [&objects = deps_.objects, checkpoint = owned.checkpoint, kept = std::move(kept)] {
        return BlobsToRetire(objects, checkpoint, kept);
      },
      lifetime_.Guard(
          [this, epoch = epoch, object = owned.checkpoint.manifest_object()](Blobs blobs) {
            if (closed_ || !blobs.ok()) {  // it stays; the next owned epoch tries again
              retiring_ = false;
              return;
            }
            if (!object.empty()) blobs->push_back(object);
            Retire(epoch, *std::move(blobs));
          }));
}

void CheckpointCoordinator::Retire(Epoch epoch, std::vector<std::string> objects) {
  deps_.log.Append(
      [epoch, objects](const JobHistory&) {
        proto::JobLogEntry entry;
        entry.mutable_retired()->set_epoch(epoch.value());
        for (const std::string& object : objects) entry.mutable_retired()->add_objects(object);
        return entry;
      },
      lifetime_.Guard([this, epoch, objects](const absl::Status& status) {
        retiring_ = false;
        if (!status.ok()) return;
        statistics_.OnRetired(epoch);
        Delete(objects);
        RetireOldest();
      }));
}

void CheckpointCoordinator::Sweep(std::set<std::string> living) {
  std::vector<proto::CheckpointOwned> owned;
  for (const auto& [epoch, one] : deps_.log.history().owned()) owned.push_back(one.checkpoint);
  using Blobs = absl::StatusOr<std::vector<std::string>>;
  deps_.pool.Run<Blobs>(
      deps_.executor,
      [&objects = deps_.objects, living = std::move(living), owned = std::move(owned),
       before = deps_.clock.Now() - kLeftoverAge] {
        return objects.BlobsLeftBehind(living, owned, before);
      },
      lifetime_.Guard([this, generation = generation_](Blobs blobs) {
        // The next generation may have other workers, which have written meanwhile.
        if (closed_ || generation_ != generation || !blobs.ok() || blobs->empty()) return;
        LogInfo("blobs of ended workers are swept", {{"job", job_}, {"blobs", blobs->size()}});
        deps_.log.Append(
            [objects = *blobs](const JobHistory&) {
              proto::JobLogEntry entry;
              *entry.mutable_swept()->mutable_objects() = {objects.begin(), objects.end()};
              return entry;
            },
            lifetime_.Guard([this, objects = *blobs](const absl::Status& status) {
              if (status.ok()) Delete(objects);
            }));
      }));
}

void CheckpointCoordinator::DeleteDoomed() { Delete(deps_.log.history().doomed_objects()); }

void CheckpointCoordinator::Delete(std::vector<std::string> objects) {
  if (objects.empty()) return;
  deps_.pool.Submit([&store = deps_.objects, objects = std::move(objects)] {
    for (const std::string& object : objects) {
      const absl::Status deleted = store.Delete(object);
      if (!deleted.ok()) LogWarning("object not deleted", {{"object", object}, {"error", deleted}});
    }
  });
}

}  // namespace weir::jobmanager
