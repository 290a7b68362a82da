// The part of JobMaster that writes a job's last entry, and with it gives up checkpoints that
// nobody is to start from again (checkpoint.retention; docs/protocols/logs.md).
#include <utility>

#include "common/base/log.h"
#include "jobmanager/job/job_master.h"

namespace weir::jobmanager {
namespace {

constexpr absl::Duration kTerminalEntryPause = absl::Seconds(1);

bool IsRetained(CheckpointRetention retention, proto::JobTerminal::State state) {
  switch (state) {
    case proto::JobTerminal::CANCELED:
      return retention == CheckpointRetention::kRetainOnCancellation;
    case proto::JobTerminal::FAILED:
      return retention != CheckpointRetention::kNever;
    default:
      return false;
  }
}

// Without what those that stay have, too.
proto::CheckpointRetired Describe(const proto::CheckpointOwned& owned,
                                  const proto::CheckpointManifest& manifest,
                                  const std::vector<proto::CheckpointManifest>& staying) {
  proto::CheckpointRetired retired;
  retired.set_epoch(owned.epoch());
  for (std::string& blob : StateObjectStore::UnsharedBlobs(manifest, staying)) {
    retired.add_objects(std::move(blob));
  }
  if (!owned.manifest_object().empty()) retired.add_objects(owned.manifest_object());
  return retired;
}

}  // namespace

void JobMaster::End(proto::JobTerminal::State state, const std::string& reason, Done done) {
  ending_ = true;
  cleanup_.reset();
  deps_.executor.Cancel(restart_timer_);
  if (coordinator_ != nullptr) coordinator_->Close("the job ends");
  if (IsRetained(options_.checkpoint.retention, state)) {
    return AppendTerminal(state, reason, std::nullopt, std::move(done));
  }
  std::vector<proto::CheckpointOwned> elsewhere;  // whose manifests are not in the log
  for (const auto& [epoch, owned] : history().owned()) {
    if (!owned.checkpoint.manifest_object().empty()) elsewhere.push_back(owned.checkpoint);
  }
  if (elsewhere.empty()) return AppendTerminal(state, reason, Manifests(), std::move(done));
  deps_.pool.Run<Manifests>(
      deps_.executor,
      [&objects = objects_, elsewhere] {
        Manifests read;
        for (const proto::CheckpointOwned& owned : elsewhere) {
          absl::StatusOr<proto::CheckpointManifest> manifest = objects.ReadManifest(owned);
          if (manifest.ok()) read[Epoch(owned.epoch())] = *std::move(manifest);
        }
        return read;
      },
      lifetime_.Guard([this, state, reason, done = std::move(done)](Manifests read) {
        AppendTerminal(state, reason, std::move(read), done);
      }));
}

// `read`: of epochs whose manifests are not in the log; absent: all are kept.
proto::JobTerminal JobMaster::MakeTerminal(proto::JobTerminal::State state,
                                           const std::string& reason,
                                           const std::optional<Manifests>& read) const {
  proto::JobTerminal terminal;
  terminal.set_state(state);
  terminal.set_reason(reason);
  if (!read) return terminal;
  std::vector<std::pair<proto::CheckpointOwned, proto::CheckpointManifest>> going;
  std::vector<proto::CheckpointManifest> staying;
  for (const auto& [epoch, owned] : history().owned()) {
    const proto::CheckpointOwned& checkpoint = owned.checkpoint;
    const auto elsewhere = read->find(epoch);
    const bool inlined = checkpoint.manifest_object().empty();
    // One that cannot be read now stays, and may have any file of the others.
    if (!inlined && elsewhere == read->end()) return terminal;
    const proto::CheckpointManifest& manifest = inlined ? checkpoint.manifest() : elsewhere->second;
    // Its receipt may ride on this very entry.
    const bool committed = log_.committed() && *log_.committed() >= epoch;
    if (history().AwaitsReceipt(epoch) && !committed) {
      staying.push_back(manifest);
    } else {
      going.emplace_back(checkpoint, manifest);
    }
  }
  for (const auto& [checkpoint, manifest] : going) {
    *terminal.add_retired() = Describe(checkpoint, manifest, staying);
  }
  return terminal;
}

void JobMaster::AppendTerminal(proto::JobTerminal::State state, const std::string& reason,
                               std::optional<Manifests> read, Done done) {
  log_.Append(
      [this, state, reason, read = std::move(read)](const JobHistory&) {
        proto::JobLogEntry entry;
        *entry.mutable_terminal() = MakeTerminal(state, reason, read);
        return entry;
      },
      lifetime_.Guard([this, state, reason, done = std::move(done)](const absl::Status& status) {
        if (!status.ok()) {
          // Storage is away: the job is over all the same; say so again until it is written.
          // Meanwhile nothing else happens to it (ending_).
          restart_timer_ = deps_.executor.PostAfter(
              kTerminalEntryPause,
              lifetime_.Guard([this, state, reason, done] { End(state, reason, done); }));
          return;
        }
        OnEnded(state, reason);
        done(status);
      }));
}

void JobMaster::OnEnded(proto::JobTerminal::State state, const std::string& reason) {
  attempt_.Reset();
  DropExecution();
  reason_ = reason;
  if (state == proto::JobTerminal::FINISHED && state_ == JobState::kScheduling) {
    state_ = JobState::kFinished;  // its former leader had committed everything already
    TellState();
  } else {
    SetState(state == proto::JobTerminal::FINISHED   ? JobState::kFinished
             : state == proto::JobTerminal::CANCELED ? JobState::kCanceled
                                                     : JobState::kFailed);
  }
  ReleaseEverything();
  for (const proto::CheckpointRetired& retired : history().terminal()->retired()) {
    coordinator_->statistics().OnRetired(Epoch(retired.epoch()));
  }
  DeleteRetiredAtTheEnd();
}

void JobMaster::DeleteRetiredAtTheEnd() {
  std::vector<std::string> objects;
  for (const proto::CheckpointRetired& retired : history().terminal()->retired()) {
    objects.insert(objects.end(), retired.objects().begin(), retired.objects().end());
  }
  if (objects.empty()) return;
  deps_.pool.Submit([store = objects_, objects = std::move(objects)]() mutable {
    for (const std::string& object : objects) {
      const absl::Status deleted = store.Delete(object);
      if (!deleted.ok()) LogWarning("object not deleted", {{"object", object}, {"error", deleted}});
    }
  });
}

}  // namespace weir::jobmanager
