#include "tests/sim/sim_cluster.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace weir::sim {
namespace {
// Virtual time from the end of faults to the end of the job: back-offs, time-outs, and the rest of
// the records.
constexpr absl::Duration kLivenessBound = absl::Seconds(90);
constexpr size_t kEpochsBeforeStop = 2;
// Requests to Kafka may come so late.
constexpr absl::Duration kAfterTheEnd = absl::Seconds(6);
constexpr absl::Duration kAfterASmallEnd = absl::Milliseconds(300);  // where none of them is late
// A cluster of this size makes about a thousand events in a second; far more is a storm.
constexpr double kEventsAtFirst = 20'000;
constexpr double kEventsPerSecond = 8'000;
}  // namespace

SimCluster::SimCluster(const SimConfig& config, bool verbose)
    : config_(config),
      world_(config.seed, verbose),
      random_(world_.Fork("faults")),
      storage_(world_, config_),
      network_(world_, config_),
      exchange_(world_),
      outside_(world_, config_),
      threads_(world_),
      brokers_(world_, config_),
      edits_(config_, truth_, network_),
      restores_(world_, truth_),
      linear_log_(world_, storage_, truth_),
      objects_(world_, storage_, truth_),
      transactions_(world_, config_, brokers_, outside_),
      manifests_(world_, config_, storage_, truth_, outside_, barriers_, transactions_),
      environment_{world_,    config_,  storage_, network_, truth_,    outside_,
                   barriers_, brokers_, threads_, edits_,   restores_, exchange_},
      lock_(world_),
      job_managers_(config.job_managers),
      task_managers_(config.task_managers),
      client_(environment_, [this] {
        std::vector<SimJobManager*> alive;
        for (const auto& starts : job_managers_) {
          if (!starts.empty() && starts.back()->process().alive())
            alive.push_back(starts.back().get());
        }
        return alive;
      }) {
  linear_log_.AddObserver(&objects_);
  linear_log_.AddObserver(&manifests_);
  linear_log_.AddObserver(&transactions_);
  linear_log_.AddObserver(this);
  brokers_.SetObserver(
      [this](const DecidedTransaction& decided) { transactions_.OnDecided(decided); });
  if (config_.bug != PlantedBug::kNone) {
    network_.SetEdit([this](bool to_leader, proto::Envelope* envelope) {
      edits_.EditControl(to_leader, envelope);
    });
  }
  storage_.files().MakeDirectory("/storage/sim/log").IgnoreError();
  storage_.files().MakeDirectory("/storage/sim/jobs").IgnoreError();
  for (uint32_t i = 0; i < config_.job_managers; ++i) {
    job_manager_hosts_.push_back({absl::StrCat("jm-", i)});
    StartJobManager(i);
  }
  for (uint32_t i = 0; i < config_.task_managers; ++i) {
    task_manager_hosts_.push_back({absl::StrCat("tm-", i)});
    StartTaskManager(i);
  }
  client_.Start();
  ScheduleFaults();
}

SimCluster::~SimCluster() {
  threads_.Unwind();
  for (const auto& starts : task_managers_) {
    for (const auto& one : starts) one->DropClosures();
  }
  for (const auto& starts : job_managers_) {
    for (const auto& one : starts) one->DropClosures();
  }
  world_.Close();
}

void SimCluster::StartJobManager(size_t host) {
  Host& where = job_manager_hosts_[host];
  job_managers_[host].push_back(
      std::make_unique<SimJobManager>(environment_, lock_, where.name, ++where.starts));
  // Whatever ends it, its supervisor starts it again.
  job_managers_[host].back()->process().AtDeath([this, host] {
    world_.Schedule(healed_ ? absl::Milliseconds(300) : JobManagerDowntime(),
                    [this, host] { StartJobManager(host); });
  });
}

absl::Duration SimCluster::JobManagerDowntime() {
  if (!ShortLivedTransactions() || Chance(random_, 400)) return RandomMs(100, 3000);
  // What was owned has timed out by then.
  const int64_t timeout_ms = absl::ToInt64Milliseconds(config_.transaction_timeout);
  return RandomMs(timeout_ms, timeout_ms * 3 / 2);
}

void SimCluster::OnJobEntry(const std::string&, const proto::JobLogEntry& entry) {
  if (healed_ || !entry.checkpoint().sinks_prepared() || !ShortLivedTransactions()) return;
  if (!Chance(random_, 400)) return;
  world_.Schedule(absl::Microseconds(Between(random_, 0, 2000)), [this] {
    if (!healed_ && lock_.holder() != nullptr) lock_.holder()->Kill();
  });
}

void SimCluster::StartTaskManager(size_t host) {
  Host& where = task_manager_hosts_[host];
  task_managers_[host].push_back(
      std::make_unique<SimTaskManager>(environment_, where.name, ++where.starts));
  task_managers_[host].back()->process().AtDeath([this, host] {
    world_.Schedule(healed_ ? absl::Milliseconds(300) : RandomMs(100, 4000),
                    [this, host] { StartTaskManager(host); });
  });
}

void SimCluster::ScheduleFaults() {
  const int64_t until_ms = absl::ToInt64Milliseconds(config_.faults_until);
  for (uint32_t i = 0; i < config_.faults; ++i) {
    world_.Schedule(RandomMs(300, until_ms), [this] {
      if (!healed_) Fault();
    });
  }
  for (uint32_t i = 0; i < config_.broker_faults; ++i) {
    world_.Schedule(absl::Milliseconds(until_ms) * (i + 1) / (config_.broker_faults + 1),
                    [this] { brokers_.Fault(); });
  }
  world_.Schedule(config_.faults_until, [this] { Heal(); });
}

void SimCluster::Fault() {
  switch (random_.Below(10)) {
    case 0:
    case 1:
      return CrashWorker();
    case 2:
      return CrashTaskManager();
    case 3:
      return CrashJobManager();
    case 4:
      return PauseSomebody();
    case 5:
      return PartitionSomebody();
    case 6:
      return StorageAway();
    case 7: {
      const Host& host = task_manager_hosts_[random_.Below(task_manager_hosts_.size())];
      if (config_.shuffles > 0 && Chance(random_, 500)) return exchange_.BreakLinks(host.name);
      return network_.BreakStreams(host.name);
    }
    case 8:
      return TwoLeaders();
    default:  // several at once
      if (Chance(random_, 500)) CrashWorker();
      if (Chance(random_, 500)) CrashTaskManager();
      return CrashJobManager();
  }
}

std::vector<SimWorker*> SimCluster::Workers() const {
  std::vector<SimWorker*> workers;
  for (const auto& starts : task_managers_) {
    for (SimWorker* worker : starts.back()->launcher().Workers()) workers.push_back(worker);
  }
  return workers;
}

void SimCluster::CrashAsPlanned() {
  const std::vector<SimWorker*> workers = Workers();
  if (first_worker_ == 0 && !workers.empty()) first_worker_ = world_.events();
  if (!config_.crash.has_value() || config_.crash->event != world_.events()) return;
  const uint32_t which = config_.crash->which;
  switch (config_.crash->victim) {
    case SimCrash::Victim::kWorker:
      if (!workers.empty()) workers[which % workers.size()]->process().Kill();
      return;
    case SimCrash::Victim::kTaskManager:
      return task_managers_[which % task_managers_.size()].back()->process().Kill();
    case SimCrash::Victim::kJobManager:
      if (lock_.holder() != nullptr) lock_.holder()->Kill();
  }
}

void SimCluster::CrashWorker() {
  const std::vector<SimWorker*> workers = Workers();
  if (!workers.empty()) workers[random_.Below(workers.size())]->process().Kill();
}

void SimCluster::CrashTaskManager() {
  task_managers_[random_.Below(task_managers_.size())].back()->process().Kill();
}

void SimCluster::CrashJobManager() {
  SimProcess* leader = lock_.holder();
  if (leader != nullptr && Chance(random_, 700)) return leader->Kill();
  job_managers_[random_.Below(job_managers_.size())].back()->process().Kill();
}

void SimCluster::PauseSomebody() {
  const absl::Duration until =
      world_.now() + (Chance(random_, 700) ? RandomMs(20, 1500) : RandomMs(1000, 6000));
  switch (random_.Below(3)) {
    case 0:
      return job_managers_[random_.Below(job_managers_.size())].back()->process().PauseUntil(until);
    case 1:
      return task_managers_[random_.Below(task_managers_.size())].back()->process().PauseUntil(
          until);
    default: {
      std::vector<SimWorker*> workers =
          task_managers_[random_.Below(task_managers_.size())].back()->launcher().Workers();
      if (!workers.empty()) workers[random_.Below(workers.size())]->process().PauseUntil(until);
    }
  }
}

void SimCluster::PartitionSomebody() {
  const std::string& one = task_manager_hosts_[random_.Below(task_manager_hosts_.size())].name;
  const absl::Duration until = world_.now() + RandomMs(100, 6000);
  const bool from_leader = Chance(random_, 700);
  const bool to_leader = !from_leader || Chance(random_, 700);
  const size_t only = random_.Below(job_manager_hosts_.size());
  const bool all = Chance(random_, 600);
  for (size_t i = 0; i < job_manager_hosts_.size(); ++i) {
    if (!all && i != only) continue;
    if (to_leader) network_.Partition(one, job_manager_hosts_[i].name, until);
    if (from_leader) network_.Partition(job_manager_hosts_[i].name, one, until);
  }
}

void SimCluster::StorageAway() {
  const absl::Duration until = world_.now() + RandomMs(50, 2500);
  if (Chance(random_, 400)) return storage_.TakeAway("", until);
  const bool job_manager = Chance(random_, 600);
  const std::vector<Host>& hosts = job_manager ? job_manager_hosts_ : task_manager_hosts_;
  storage_.TakeAway(hosts[random_.Below(hosts.size())].name, until);
}

void SimCluster::TwoLeaders() {
  if (!config_.two_leaders) return CrashWorker();
  SimProcess* leader = lock_.holder();
  if (leader == nullptr || !leader->alive()) return;
  if (Chance(random_, 700)) leader->PauseUntil(world_.now() + RandomMs(300, 4000));
  lock_.GiveAway();
}

void SimCluster::Heal() {
  world_.Trace("heals", "world");
  healed_ = true;
  healed_at_ = world_.now();
  network_.Heal();
  storage_.Heal();
  outside_.Heal();
  brokers_.Heal();
  client_.LeaveAlone();
  if (const LogTruth::Job* job = JobTruth()) epochs_at_heal_ = job->manifests.size();
}

const LogTruth::Job* SimCluster::JobTruth() const {
  const auto it = truth_.jobs.find(client_.job());
  return it == truth_.jobs.end() ? nullptr : &it->second;
}

bool SimCluster::Finished() {
  const LogTruth::Job* job = JobTruth();
  if (job == nullptr) return false;
  if (config_.cancel && world_.now() >= config_.cancel_at) client_.CancelJob();
  if (healed_ && client_.suspended()) return true;
  if (healed_ && !config_.bounded && job->manifests.size() >= epochs_at_heal_ + kEpochsBeforeStop) {
    client_.StopJob();
  }
  if (job->history.terminal() == nullptr || !healed_) return false;
  for (const auto& starts : task_managers_) {
    if (!starts.back()->launcher().Workers().empty()) return false;
  }
  return true;
}

void SimCluster::CheckEnd() {
  if (client_.suspended()) return transactions_.CheckSuspended(client_.reason());
  const proto::JobTerminal& terminal = *JobTruth()->history.terminal();
  if (terminal.state() == proto::JobTerminal::CANCELED && config_.cancel) {
    // The cancel that gave it up may have come when it had been settled all the same.
    const bool left = absl::StrContains(terminal.reason(), "cannot be settled");
    if (client_.gave_up() && left) return transactions_.CheckGivenUp(terminal.reason());
    return transactions_.CheckEnd();
  }
  if (terminal.state() != proto::JobTerminal::FINISHED) {
    return world_.Violate("Liveness",
                          absl::StrCat("the job has not FINISHED: ", terminal.reason()));
  }
  manifests_.CheckEnd(client_.job());
  if (config_.keyed.on()) outside_.CheckResults();
  if (config_.transactional && !world_.violated()) transactions_.CheckEnd();
}

SimResult SimCluster::Run() {
  bool finished = false;
  while (!world_.violated() && world_.RunNext()) {
    if (config_.small) CrashAsPlanned();
    if (world_.events() % 64 != 0) continue;
    if (static_cast<double>(world_.events()) >
        kEventsAtFirst + kEventsPerSecond * absl::ToDoubleSeconds(world_.now())) {
      world_.Violate("Liveness", "messages without end: somebody repeats itself without a pause");
    }
    finished = Finished();
    if (finished) break;
    if (healed_ && world_.now() > healed_at_ + kLivenessBound) {
      world_.Violate("Liveness",
                     absl::StrCat("not over ", absl::FormatDuration(kLivenessBound),
                                  " after the last fault; the job is ", client_.state(),
                                  outside_.Awaits().empty() ? "" : "; ", outside_.Awaits()));
    }
  }
  const uint64_t over = world_.events();
  // What is still on its way arrives.
  const absl::Duration end = world_.now() + (config_.small ? kAfterASmallEnd : kAfterTheEnd);
  while (finished && !world_.violated() && world_.now() < end && world_.RunNext()) {
  }
  if (finished && !world_.violated()) CheckEnd();
  SimResult result;
  result.seed = config_.seed;
  result.violation = world_.violation();
  result.trace_hash = world_.trace_hash();
  result.events = world_.events();
  result.finished_at = world_.now();
  result.replays = transactions_.replays();
  result.first_worker = first_worker_;
  result.over = over;
  if (const LogTruth::Job* job = JobTruth()) {
    result.epochs = job->manifests.size();
    result.generations = job->starts.size();
  }
  return result;
}

SimResult RunConfig(const SimConfig& config, bool verbose) {
  SimCluster cluster(config, verbose);
  return cluster.Run();
}

SimResult RunSeed(uint64_t seed, PlantedBug bug, bool verbose) {
  return RunConfig(SimConfig::Draw(seed, bug), verbose);
}

}  // namespace weir::sim
