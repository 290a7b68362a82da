// The part of JobMaster that starts generations: slots, workers, restore data, `started`.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "jobmanager/job/job_master.h"
#include "jobmanager/scheduler/placement.h"

namespace weir::jobmanager {
namespace {
// Without a sign of progress: to publish aborted transactions again may take long.
constexpr absl::Duration kDeployTimeout = absl::Minutes(2);
}  // namespace

void JobMaster::OnSlotsChanged() {
  if (running_ && cleanup_) return TryCleanup();
  if (running_ && state_ == JobState::kScheduling) TrySchedule();
}

bool JobMaster::WaitsForFormerTaskManagers() {
  if (!settle_until_) return false;
  const absl::Duration left = *settle_until_ - deps_.clock.Monotonic();
  const proto::JobStarted* former = history().last_start();
  bool missing = false;
  if (former != nullptr) {
    for (const TaskManagerId& id : SlotTaskManagersOf(*former)) {
      missing = missing || !deps_.task_managers.IsPresent(id);
    }
  }
  if (!missing || left <= absl::ZeroDuration()) {
    settle_until_.reset();
    return false;
  }
  deps_.executor.Cancel(settle_timer_);
  settle_timer_ = deps_.executor.PostAfter(left, lifetime_.Guard([this] { OnSlotsChanged(); }));
  return true;
}

void JobMaster::TrySchedule() {
  if (execution_ != nullptr || coordinator_->busy() || WaitsForFormerTaskManagers() || ending_) {
    return;
  }
  if (starting_) return;  // of a generation that failed meanwhile: its number is decided there
  const proto::JobGraph& graph = history().submission().graph();
  PlacementRequest request;
  request.slots = RequiredSlots(graph);
  request.free_slots = deps_.task_managers.FreeSlotsFor(job_);
  if (const proto::JobStarted* former = history().last_start()) {
    request.previous = SlotTaskManagersOf(*former);
  }
  absl::StatusOr<SlotPlacement> slots = PlaceSlots(request);
  if (!slots.ok()) {
    reason_ = absl::StrCat("waits for slots: ", slots.status().message());
    return;
  }
  std::map<TaskManagerId, uint32_t> held;
  for (const TaskManagerId& id : *slots) ++held[id];
  deps_.task_managers.HoldSlots(job_, std::move(held));
  execution_ =
      std::make_unique<Execution>(history().generation().Next(), graph, AssignWorkers(*slots));
  UpdateSpecs();
  SetState(JobState::kDeploying);
  initialization_steps_ = 0;
  ArmDeployTimer();
  LoadRestoreData();
}

void JobMaster::ArmDeployTimer() {
  deps_.executor.Cancel(deploy_timer_);
  deploy_timer_ =
      deps_.executor.PostAfter(kDeployTimeout, attempt_.Guard([this] { OnDeployTimeout(); }));
}

void JobMaster::OnDeployTimeout() {
  std::string why =
      absl::StrCat("not all workers were ready within ", absl::FormatDuration(kDeployTimeout));
  // A function that does not return keeps its worker from being used again.
  bool killed = false;
  for (auto it = workers_.begin(); it != workers_.end();) {
    const bool hangs = !it->second.stalls.empty() && execution_->Uses(it->first);
    if (hangs) {
      absl::StrAppend(&why, "; worker ", it->first.value(), " is killed",
                      DescribeStalls(it->second));
    }
    killed = killed || hangs;
    it = hangs ? workers_.erase(it) : std::next(it);
  }
  if (killed) UpdateSpecs();
  FailGeneration(why, true);
}

// The worker with the coordinator tasks counts what it has settled.
void JobMaster::OnInitializationSteps(uint64_t steps) {
  if (steps <= initialization_steps_) return;
  initialization_steps_ = steps;
  ArmDeployTimer();
}

ExecutionPlacement JobMaster::AssignWorkers(const SlotPlacement& slots) {
  std::map<TaskManagerId, WorkerId> chosen;
  for (const auto& [id, worker] : workers_) chosen.emplace(worker.task_manager, id);
  ExecutionPlacement placement;
  std::map<WorkerId, Worker> kept;
  for (const TaskManagerId& task_manager : slots) {
    auto [it, added] = chosen.try_emplace(task_manager);
    if (added) {
      it->second = WorkerId(deps_.random.HexId("w-"));
      workers_[it->second].task_manager = task_manager;
    }
    placement.slot_task_managers.push_back(task_manager);
    placement.slot_workers.push_back(it->second);
    kept[it->second] = workers_.at(it->second);
  }
  workers_ = std::move(kept);
  return placement;
}

void JobMaster::UpdateSpecs() {
  std::map<TaskManagerId, std::vector<proto::WorkerSpec>> specs;
  for (const TaskManagerId& id : told_) specs[id];
  const proto::JobSubmitted& submission = history().submission();
  for (const auto& [id, worker] : workers_) {
    proto::WorkerSpec& spec = specs[worker.task_manager].emplace_back();
    spec.set_worker(id.value());
    spec.set_job(job_.value());
    spec.set_artifact(submission.artifact());
    *spec.mutable_arguments() = submission.arguments();
    spec.set_job_name(submission.name());
  }
  told_.clear();
  for (auto& [id, list] : specs) {
    if (!list.empty()) told_.insert(id);
    deps_.task_managers.SetWorkers(id, job_, std::move(list));
  }
}

void JobMaster::LoadRestoreData() {
  std::vector<proto::CheckpointOwned> wanted;  // newest first, then those without receipt
  if (const JobHistory::OwnedEpoch* newest = history().newest_owned()) {
    wanted.push_back(newest->checkpoint);
  }
  for (const auto& [epoch, owned] : history().owned()) {
    if (history().AwaitsReceipt(epoch)) wanted.push_back(owned.checkpoint);
  }
  if (wanted.empty()) return OnRestoreData({});
  deps_.pool.Run<RestoreData>(
      deps_.executor,
      [&objects = objects_, wanted] {
        RestoreData data;
        for (const proto::CheckpointOwned& checkpoint : wanted) {
          absl::StatusOr<proto::CheckpointManifest> manifest = objects.ReadManifest(checkpoint);
          if (!manifest.ok()) {
            data.status = manifest.status();
            return data;
          }
          if (!data.newest) {
            data.newest = *std::move(manifest);
          } else {
            data.uncommitted.push_back(*std::move(manifest));
          }
        }
        return data;
      },
      attempt_.Guard([this](const RestoreData& data) { OnRestoreData(data); }));
}

void JobMaster::OnRestoreData(const RestoreData& data) {
  if (absl::IsDataLoss(data.status) || absl::IsNotFound(data.status)) {
    if (cleanup_) return CleanupFailed(std::string(data.status.message()));
    return Suspend(
        absl::StrCat("the newest checkpoint cannot be restored: ", data.status.message()));
  }
  if (!data.status.ok()) {
    return FailGeneration(absl::StrCat("checkpoint not readable: ", data.status.message()), true);
  }
  AppendStarted(data);
}

void JobMaster::AppendStarted(const RestoreData& data) {
  std::optional<Epoch> restored;
  if (data.newest) restored = Epoch(data.newest->epoch());
  proto::JobStarted started =
      MakeStartedEntry(history().submission().graph(), execution_->generation(), restored,
                       execution_->placement(), history().submission().artifact());
  started.set_cleanup(cleanup_.has_value());
  starting_ = true;
  auto done = attempt_.Guard([this, data](const absl::Status& status) {
    if (absl::IsAborted(status)) return;
    if (!status.ok()) {
      return FailGeneration(absl::StrCat("the start cannot be logged: ", status.message()), true);
    }
    OnStarted(data);
  });
  log_.Append(
      [started](const JobHistory&) {
        proto::JobLogEntry entry;
        *entry.mutable_started() = started;
        return entry;
      },
      lifetime_.Guard([this, done = std::move(done)](const absl::Status& status) mutable {
        starting_ = false;
        done(status);
        if (cleanup_) {
          TryCleanup();
        } else if (state_ == JobState::kScheduling) {
          TrySchedule();
        }
      }));
}

bool JobMaster::IsFresh() const {
  const JobHistory::OwnedEpoch* newest = history().newest_owned();
  if (newest == nullptr) return true;
  return !history().submission().from_job().empty() && newest->checkpoint.epoch() == 0;
}

// Before epoch 0 is owned nothing runs.
bool JobMaster::AwaitsFirstRun() const {
  return history().newest_owned() == nullptr || (IsFresh() && !has_run_);
}

void JobMaster::OnStarted(const RestoreData& data) {
  DeploymentContext context;
  const proto::JobGraph& graph = history().submission().graph();
  const ExecutionPlacement placement = execution_->placement();
  context.graph = &graph;
  context.placement = &placement;
  context.restored = data.newest ? &*data.newest : nullptr;
  context.uncommitted = &data.uncommitted;
  context.probe_object = deps_.layout.JobProbePath(job_);
  context.probe_nonce = job_.value();
  context.cluster_id = deps_.layout.cluster_id();
  context.ended_jobs = deps_.ended_jobs();
  context.first_start = AwaitsFirstRun();
  context.take_over = history().submission().take_over() && IsFresh();
  context.cleanup = cleanup_.has_value();
  context.resume_policy = history().resume_policy();
  if (!context.cleanup) context.checkpoint_interval = options_.checkpoint.interval;
  context.stall_timeout = options_.stall_timeout;
  context.state_backend = options_.state_backend;
  context.memory = options_.memory;
  for (const TaskManagerId& id : placement.slot_task_managers) {
    context.slot_memory_bytes[id] = deps_.task_managers.SlotMemoryOf(id);
  }
  const proto::JobStarted& started = *history().last_start();
  context.key_groups = {started.key_groups().begin(), started.key_groups().end()};
  context.storage_root = deps_.layout.JobDirectory(job_);
  context.inline_state_max_bytes = options_.checkpoint.inline_state_max_bytes;
  execution_->Admit(MakeDeployments(context));
  if (data.newest) coordinator_->statistics().OnRestored(Epoch(data.newest->epoch()));
  LogInfo("generation started", {{"job", job_},
                                 {"generation", execution_->generation()},
                                 {"restored_epoch", data.newest ? data.newest->epoch() : 0},
                                 {"workers", workers_.size()}});
  SendDirectives();
}

}  // namespace weir::jobmanager
