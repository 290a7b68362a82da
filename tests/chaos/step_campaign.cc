#include "tests/chaos/step_campaign.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"

#include "common/base/status_macros.h"
#include "common/time/system_clock.h"
#include "connectors/kafka/transactional/transactional_id.h"
#include "connectors/kafka/transactional/wire_transaction_clients.h"

namespace weir {
namespace {

constexpr int kPartitions = 4;
constexpr int kJobManagers = 2;
constexpr int kTaskManagers = 3;
constexpr char kInput[] = "numbers";
constexpr char kOutput[] = "copies";
constexpr char kPrefix[] = "steps";
constexpr absl::Duration kHitTimeout = absl::Seconds(20);
constexpr absl::Duration kKillTimeout = absl::Seconds(10);
constexpr absl::Duration kRestoreTimeout = absl::Seconds(90);
constexpr absl::Duration kCopyTimeout = absl::Seconds(30);
constexpr absl::Duration kRequestTimeout = absl::Seconds(30);
constexpr absl::Duration kPollInterval = absl::Milliseconds(10);
constexpr int kAttempts = 4;

const SystemClock& MachineClock() {
  static const SystemClock clock;
  return clock;
}

// Field 4 of /proc/PID/stat, behind the name in parentheses; 0 when there is no such process.
pid_t ParentOf(pid_t pid) {
  std::ifstream file(absl::StrCat("/proc/", pid, "/stat"));
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return 0;
  char state = 0;
  int parent = 0;
  return std::sscanf(text.c_str() + name_end + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<StepCampaign>> StepCampaign::Start(const Options& options) {
  std::unique_ptr<StepCampaign> campaign(new StepCampaign(options));
  WEIR_RETURN_IF_ERROR(campaign->StartAll());
  return campaign;
}

absl::Status StepCampaign::StartAll() {
  WEIR_ASSIGN_OR_RETURN(kafka_, KafkaCluster::Start({}));
  for (const char* topic : {kInput, kOutput}) {
    WEIR_RETURN_IF_ERROR(kafka_->CreateTopic(topic, kPartitions));
  }
  kafka::ClientConfiguration configuration;
  configuration.values["bootstrap.servers"] = kafka_->bootstrap_servers();
  WEIR_ASSIGN_OR_RETURN(transactions_,
                        kafka::MakeWireTransactionClient(configuration, MachineClock()));
  setenv("STEP_STOP_DIRECTORY", stops_.path().c_str(), 1);
  WeirClusterOptions options;
  options.job_managers = kJobManagers;
  options.task_managers = kTaskManagers;
  options.slots = 2;
  options.job_manager_program = "step_job_manager";
  options.server_options = {{"heartbeat.interval", "100ms"}};
  WEIR_ASSIGN_OR_RETURN(weir_, WeirCluster::Start(std::move(options)));
  WEIR_ASSIGN_OR_RETURN(feeder_, NumberFeeder::Start(kafka_->bootstrap_servers(), kInput));
  WEIR_ASSIGN_OR_RETURN(
      reader_, OracleReader<CopyOracle>::Start(kafka_->bootstrap_servers(), kOutput, kPartitions));
  const WeirJob job{
      "step_copy",
      {absl::StrCat("--brokers=", kafka_->bootstrap_servers()), absl::StrCat("--input=", kInput),
       absl::StrCat("--output=", kOutput), absl::StrCat("--prefix=", kPrefix),
       absl::StrCat("--stops=", stops_.path()), "--parallelism=2"},
      {{"checkpoint.interval", "200ms"},
       {"restart.strategy", "fixed-delay"},
       {"restart.fixed-delay.attempts", "1000000"},
       {"restart.fixed-delay.delay", "100ms"}}};
  WEIR_ASSIGN_OR_RETURN(job_, weir_->Submit(job));
  return AwaitRestored(1).status();
}

absl::StatusOr<proto::JobDetails> StepCampaign::Describe() {
  return weir_->client().DescribeJob(job_);
}

absl::StatusOr<StepCampaign::Outcome> StepCampaign::Run(const StepRound& round) {
  int nth = round.nth;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<StepHit> hit, Provoke(round, nth));
    if (hit.has_value()) return KillAt(*hit, round);
    control_.Release();
    WEIR_RETURN_IF_ERROR(AwaitRestored(0).status());
    nth = 1;
  }
  return absl::DeadlineExceededError(absl::StrCat("nobody comes to step ", round.step.name));
}

absl::StatusOr<std::optional<StepHit>> StepCampaign::Provoke(const StepRound& round, int nth) {
  switch (round.step.prelude) {
    case StepPrelude::kNone:
      WEIR_RETURN_IF_ERROR(control_.Order(round.step.name, nth));
      break;
    case StepPrelude::kNewTasks: {
      WEIR_ASSIGN_OR_RETURN(const pid_t worker, VictimWorker(StepHit(), round.choice));
      WEIR_RETURN_IF_ERROR(control_.Order(round.step.name, nth));
      WEIR_RETURN_IF_ERROR(KillAndAwaitEnd(worker, kKillTimeout));
      break;
    }
    case StepPrelude::kOwnedEpoch:
    case StepPrelude::kAbortedEpoch: {
      WEIR_RETURN_IF_ERROR(control_.Order("after-entry", 1));
      if (!AwaitHit().has_value()) return absl::DeadlineExceededError("no checkpoint is owned");
      // Both: a standby would commit at once.
      WEIR_ASSIGN_OR_RETURN(const int leader, weir_->Leader());
      for (const int number : {kJobManagers + 1 - leader, leader}) {
        WEIR_RETURN_IF_ERROR(weir_->KillJobManager(number));
      }
      if (round.step.prelude == StepPrelude::kAbortedEpoch) {
        WEIR_RETURN_IF_ERROR(AbortOpenTransactions());
      }
      WEIR_RETURN_IF_ERROR(control_.Order(round.step.name, nth));
      for (int number = 1; number <= kJobManagers; ++number) {
        WEIR_RETURN_IF_ERROR(weir_->StartJobManager(number));
      }
      break;
    }
  }
  return AwaitHit();
}

std::optional<StepHit> StepCampaign::AwaitHit() {
  std::optional<StepHit> hit;
  AwaitTrue([&] { return (hit = control_.Hit()).has_value(); }, kHitTimeout);
  return hit;
}

// A living one: the child of a TaskManager that runs.
bool StepCampaign::IsWorker(pid_t pid) {
  const pid_t parent = pid == 0 ? 0 : ParentOf(pid);
  return weir_->TaskManagerOfPid(static_cast<uint64_t>(parent)).ok();
}

absl::StatusOr<pid_t> StepCampaign::VictimWorker(const StepHit& hit, size_t choice) {
  if (choice == 0 && IsWorker(hit.pid)) return hit.pid;
  std::vector<pid_t> workers;
  AwaitTrue([&] {
    const absl::StatusOr<proto::JobDetails> details = Describe();
    if (!details.ok()) return false;
    for (const proto::WorkerDetails& worker : details->workers()) {
      const auto pid = static_cast<pid_t>(worker.pid());
      if (IsWorker(pid)) workers.push_back(pid);
    }
    return !workers.empty();
  });
  if (workers.empty()) return absl::NotFoundError("the job has no worker");
  return workers[choice % workers.size()];
}

absl::StatusOr<StepCampaign::Outcome> StepCampaign::KillAt(const StepHit& hit,
                                                           const StepRound& round) {
  pid_t worker = 0;
  bool at_step = true;
  if (round.victim == StepVictim::kWorker || round.victim == StepVictim::kTaskManager) {
    WEIR_ASSIGN_OR_RETURN(worker, VictimWorker(hit, round.choice));
    at_step = worker == hit.pid || !IsWorker(hit.pid);
  }
  WEIR_ASSIGN_OR_RETURN(const proto::JobDetails before, Describe());
  const absl::Time killed_at = absl::Now();
  WEIR_RETURN_IF_ERROR(Kill(round.victim, worker, round.hold));
  // A generation survives the broker's death, if no call of it had to give up.
  const uint64_t former = before.summary().generation();
  WEIR_ASSIGN_OR_RETURN(Outcome outcome,
                        AwaitRestored(round.victim == StepVictim::kBroker ? former : former + 1));
  outcome.at_step = at_step;
  outcome.restored = absl::Now() - killed_at - outcome.stable;
  return outcome;
}

absl::Status StepCampaign::Kill(StepVictim victim, pid_t worker, absl::Duration hold) {
  const auto go_on = [&] {
    absl::SleepFor(hold);
    control_.Release();
  };
  switch (victim) {
    case StepVictim::kWorker:
      WEIR_RETURN_IF_ERROR(KillAndAwaitEnd(worker, kKillTimeout));
      go_on();
      return absl::OkStatus();
    case StepVictim::kTaskManager: {
      WEIR_ASSIGN_OR_RETURN(const int number,
                            weir_->TaskManagerOfPid(static_cast<uint64_t>(ParentOf(worker))));
      WEIR_RETURN_IF_ERROR(weir_->KillTaskManager(number));
      go_on();
      return weir_->StartTaskManager(number);
    }
    case StepVictim::kJobManager: {
      WEIR_ASSIGN_OR_RETURN(const int leader, weir_->Leader());
      WEIR_RETURN_IF_ERROR(weir_->KillJobManager(leader));
      go_on();
      return weir_->StartJobManager(leader);
    }
    case StepVictim::kBroker:
      WEIR_RETURN_IF_ERROR(kafka_->KillBroker(1));
      go_on();
      return kafka_->RestartBroker(1);
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> StepCampaign::Runs(uint64_t generation) {
  const absl::StatusOr<proto::JobDetails> details = Describe();
  if (!details.ok()) return false;
  const proto::JobSummary& summary = details->summary();
  for (const char* end : {"FAILED", "SUSPENDED", "CANCELED", "FINISHED"}) {
    if (summary.state() == end) {
      return absl::InternalError(absl::StrCat("the job is ", end, ": ", summary.reason()));
    }
  }
  return summary.state() == "RUNNING" && summary.generation() >= generation;
}

absl::StatusOr<StepCampaign::Outcome> StepCampaign::AwaitRestored(uint64_t generation) {
  Outcome outcome;
  const absl::Time end = absl::Now() + kRestoreTimeout;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const bool runs, Runs(generation));
    if (runs) {
      WEIR_ASSIGN_OR_RETURN(const std::optional<absl::Duration> stable, AwaitStable(generation));
      if (stable.has_value()) {
        outcome.stable = *stable;
        break;
      }
    }
    if (absl::Now() > end) {
      const absl::StatusOr<proto::JobDetails> details = Describe();
      return absl::InternalError(absl::StrCat(
          "the job is not restored after ", absl::FormatDuration(kRestoreTimeout), ": ",
          details.ok() ? details->summary().ShortDebugString() : details.status().ToString()));
    }
    absl::SleepFor(kPollInterval);
  }
  WEIR_RETURN_IF_ERROR(CheckCopies(feeder_->fed()));
  WEIR_RETURN_IF_ERROR(CheckOpenTransactions(false));
  WEIR_RETURN_IF_ERROR(weir_->AwaitComplete());
  return outcome;
}

absl::StatusOr<std::optional<absl::Duration>> StepCampaign::AwaitStable(uint64_t generation) {
  const absl::Time start = absl::Now();
  std::map<int32_t, int64_t> ends;
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    WEIR_ASSIGN_OR_RETURN(
        const kafka::PartitionOffsets offsets,
        transactions_->FetchPartitionOffsets({kOutput, partition}, kRequestTimeout));
    ends[partition] = offsets.high_watermark;
  }
  while (!ends.empty()) {
    const int32_t partition = ends.begin()->first;
    WEIR_ASSIGN_OR_RETURN(
        const kafka::PartitionOffsets offsets,
        transactions_->FetchPartitionOffsets({kOutput, partition}, kRequestTimeout));
    if (offsets.last_stable_offset >= ends.begin()->second) {
      ends.erase(ends.begin());
      continue;
    }
    WEIR_ASSIGN_OR_RETURN(const bool runs, Runs(generation));
    if (!runs) return std::optional<absl::Duration>();
    if (absl::Now() - start > options_.stable_timeout) {
      return absl::InternalError(absl::StrCat(
          "the last stable offset of partition ", partition, " is ", offsets.last_stable_offset,
          ", below ", ends.begin()->second, ", ", absl::FormatDuration(options_.stable_timeout),
          " after the job was restored"));
    }
    absl::SleepFor(kPollInterval);
  }
  return absl::Now() - start;
}

absl::Status StepCampaign::CheckCopies(int64_t up_to) {
  CopyOracle oracle;
  const bool complete = AwaitTrue(
      [&] {
        oracle = reader_->oracle();
        return oracle.complete_below() >= up_to || !oracle.problem().empty();
      },
      kCopyTimeout);
  if (!oracle.problem().empty()) return absl::DataLossError(oracle.problem());
  if (complete) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat("id ", oracle.complete_below(), " has not come out ",
                                          absl::FormatDuration(kCopyTimeout), " after ids up to ",
                                          up_to, " were sent"));
}

absl::Status StepCampaign::AbortOpenTransactions() {
  WEIR_ASSIGN_OR_RETURN(
      const std::vector<kafka::ListedTransaction> listed,
      transactions_->ListTransactions({kafka::TransactionState::kOngoing}, kRequestTimeout));
  for (const kafka::ListedTransaction& one : listed) {
    if (!kafka::TransactionalId::Parse(one.transactional_id, kPrefix).has_value()) continue;
    WEIR_RETURN_IF_ERROR(
        transactions_->InitProducerId(one.transactional_id, absl::Minutes(1), kRequestTimeout)
            .status());
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> StepCampaign::OpenTransactions(bool of_newest_too) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<kafka::ListedTransaction> listed,
                        transactions_->ListTransactions({}, kRequestTimeout));
  uint64_t newest = 0;
  for (const kafka::ListedTransaction& one : listed) {
    const auto id = kafka::TransactionalId::Parse(one.transactional_id, kPrefix);
    if (id.has_value()) newest = std::max(newest, id->fence);
  }
  std::vector<std::string> open;
  for (const kafka::ListedTransaction& one : listed) {
    if (!kafka::IsOpen(one.state)) continue;
    const auto id = kafka::TransactionalId::Parse(one.transactional_id, kPrefix);
    if (!of_newest_too && id.has_value() && id->fence == newest) continue;
    open.push_back(absl::StrCat(one.transactional_id, " ", kafka::TransactionStateName(one.state)));
  }
  return open;
}

absl::Status StepCampaign::CheckOpenTransactions(bool of_newest_too) {
  const absl::Time end = absl::Now() + options_.stable_timeout;
  while (true) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> open, OpenTransactions(of_newest_too));
    if (open.empty()) return absl::OkStatus();
    if (absl::Now() > end) {
      return absl::InternalError(
          absl::StrCat("transactions stay open: ", absl::StrJoin(open, ", ")));
    }
    absl::SleepFor(kPollInterval);
  }
}

absl::Status StepCampaign::Finish() {
  WEIR_ASSIGN_OR_RETURN(const int64_t fed, feeder_->Finish());
  WEIR_RETURN_IF_ERROR(CheckCopies(fed));
  WEIR_RETURN_IF_ERROR(weir_->client().CancelJob(job_));
  if (!AwaitTrue([&] {
        const absl::StatusOr<proto::JobDetails> details = Describe();
        return details.ok() && details->summary().state() == "CANCELED";
      })) {
    return absl::InternalError("the job cannot be canceled");
  }
  WEIR_RETURN_IF_ERROR(CheckOpenTransactions(true));
  WEIR_RETURN_IF_ERROR(weir_->Stop());
  KafkaReadOptions options;
  options.quiet = absl::Seconds(5);
  WEIR_ASSIGN_OR_RETURN(const std::vector<KafkaTestRecord> records,
                        kafka_->ConsumeAll(kOutput, options));
  CopyOracle oracle;
  for (const KafkaTestRecord& record : records) {
    oracle.Take(record.key.value_or(""), record.value.value_or(""),
                absl::StrCat("partition ", record.partition.value_or(-1), " offset ", record.offset,
                             " (console consumer)"));
  }
  if (!oracle.problem().empty()) return absl::DataLossError(oracle.problem());
  if (oracle.taken() != fed) {
    return absl::DataLossError(
        absl::StrCat("Java's console consumer reads ", oracle.taken(), " records of ", fed));
  }
  return absl::OkStatus();
}

std::string StepCampaign::KeepFiles() {
  if (kafka_ != nullptr) kafka_->KeepFiles();
  if (weir_ != nullptr) weir_->KeepFiles();
  return absl::StrCat(weir_ == nullptr ? "" : weir_->directory().path(), " ",
                      kafka_ == nullptr ? "" : kafka_->folder());
}

}  // namespace weir
