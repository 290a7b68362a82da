#include "jobmanager/job_manager_metrics.h"

#include <map>
#include <string>

#include "common/metrics/metric_catalogue.h"
#include "jobmanager/job/job_state.h"

namespace weir::jobmanager {
namespace {

constexpr JobState kJobStates[] = {
    JobState::kCreated,    JobState::kScheduling, JobState::kDeploying, JobState::kRunning,
    JobState::kRecovering, JobState::kStopping,   JobState::kSuspended, JobState::kCancelling,
    JobState::kFailing,    JobState::kFinished,   JobState::kCanceled,  JobState::kFailed};

double Number(uint64_t value) { return static_cast<double>(value); }

void AddTaskManagers(const TaskManagerRegistry& task_managers, MetricsPage* page) {
  uint64_t registered = 0;
  uint64_t suspect = 0;
  uint64_t slots = 0;
  uint64_t used = 0;
  for (const proto::TaskManagerDetails& one : task_managers.Describe()) {
    if (one.state() != "REGISTERED") {
      ++suspect;
      continue;
    }
    ++registered;
    slots += one.slots();
    used += one.slots_used();
  }
  page->Add(metrics::kClusterTaskManagers, Number(registered), {{"state", "registered"}});
  page->Add(metrics::kClusterTaskManagers, Number(suspect), {{"state", "suspect"}});
  page->Add(metrics::kClusterSlots, Number(slots - used), {{"state", "free"}});
  page->Add(metrics::kClusterSlots, Number(used), {{"state", "used"}});
}

void AddCheckpoints(const JobMaster& job, const MetricLabels& labels, absl::Time now,
                    MetricsPage* page) {
  if (const CheckpointStatistics* statistics = job.checkpoint_statistics()) {
    page->Add(metrics::kCheckpoints, Number(statistics->completed()),
              WithLabels({{"result", "completed"}}, labels));
    page->Add(metrics::kCheckpoints, Number(statistics->failed()),
              WithLabels({{"result", "failed"}}, labels));
    page->Add(metrics::kCheckpointsInProgress, job.checkpoint_in_progress() ? 1 : 0, labels);
    page->Add(metrics::kCheckpointDuration, statistics->durations(), labels);
    if (statistics->latest_state_bytes().has_value()) {
      page->Add(metrics::kCheckpointSize, Number(*statistics->latest_state_bytes()), labels);
    }
  }
  const JobHistory::OwnedEpoch* newest = job.history().newest_owned();
  if (newest == nullptr) return;
  const absl::Time completed = absl::FromUnixMillis(newest->checkpoint.completed_at_ms());
  page->Add(metrics::kCheckpointLastId, Number(newest->checkpoint.epoch()), labels);
  page->Add(metrics::kCheckpointLastCompleted, absl::ToDoubleSeconds(completed - absl::UnixEpoch()),
            labels);
  page->Add(metrics::kCheckpointLastAge, absl::ToDoubleSeconds(now - completed), labels);
}

void AddJob(const JobMaster& job, absl::Time now, MetricsPage* page) {
  const MetricLabels labels = {{"job_id", job.job().value()},
                               {"job_name", job.history().submission().name()}};
  page->Add(metrics::kJobState, 1,
            WithLabels({{"state", std::string(JobStateName(job.state()))}}, labels));
  page->Add(metrics::kJobUptime, absl::ToDoubleSeconds(job.Uptime()), labels);
  page->Add(metrics::kJobRestarts, Number(job.history().restarts()), labels);
  page->Add(metrics::kJobGeneration, Number(job.history().generation().value()), labels);
  page->Add(metrics::kJobWorkers, Number(job.workers()), labels);
  AddCheckpoints(job, labels, now, page);
}

}  // namespace

void AddJobManagerMetrics(const JobManager& job_manager, absl::Time now, MetricsPage* page) {
  page->Add(metrics::kLeader, job_manager.leading() ? 1 : 0);
  if (!job_manager.leading()) return;
  const Dispatcher& dispatcher = *job_manager.dispatcher();
  page->Add(metrics::kLeaderTerm, Number(dispatcher.term().value()));
  AddTaskManagers(dispatcher.task_managers(), page);
  std::map<JobState, uint64_t> jobs;
  for (const JobState state : kJobStates) jobs[state] = 0;
  for (const auto& [id, job] : dispatcher.jobs()) {
    ++jobs[job->state()];
    if (!IsTerminal(job->state())) AddJob(*job, now, page);
  }
  for (const auto& [state, count] : jobs) {
    page->Add(metrics::kClusterJobs, Number(count), {{"state", std::string(JobStateName(state))}});
  }
}

void AddStorageMetrics(const MeasuredFileSystem& files, MetricsPage* page) {
  for (const MeasuredFileSystem::Durations& durations : files.TakeDurations()) {
    const std::string operation(durations.operation);
    page->Add(metrics::kStorageRequestDuration, durations.succeeded,
              {{"operation", operation}, {"result", "ok"}});
    page->Add(metrics::kStorageRequestDuration, durations.failed,
              {{"operation", operation}, {"result", "error"}});
  }
}

}  // namespace weir::jobmanager
