#include "tests/sim/sim_config.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

#include "common/base/stable_hash.h"
#include "tests/sim/keyed/planted_keyed_state.h"

namespace weir::sim {
namespace {

void DrawCluster(Random& random, SimConfig* config) {
  config->job_managers = Chance(random, 850) ? 2 : 1;
  config->task_managers = static_cast<uint32_t>(Between(random, 2, 3));
  config->slots = static_cast<uint32_t>(Between(random, 2, 4));
  config->cluster_options = {
      {"cluster.id", "sim"},
      {"heartbeat.suspect-after", absl::StrCat(Between(random, 300, 2000), "ms")},
      {"heartbeat.taskmanager-timeout", absl::StrCat(Between(random, 2000, 6000), "ms")},
  };
}

void DrawJob(Random& random, SimConfig* config) {
  // One TaskManager can be away and the job still fits, most of the time.
  const int64_t most = std::min<int64_t>(4, config->slots * (config->task_managers - 1));
  config->parallelism = static_cast<uint32_t>(Between(random, 1, most));
  config->splits = static_cast<uint32_t>(Between(random, 1, 6));
  config->bounded = Chance(random, 600);
  if (!config->bounded && Chance(random, 500)) config->late_splits = 1;
  config->records = Between(random, 20, 200);
  config->records_per_second = Between(random, 10, 60);
  config->batch = static_cast<uint32_t>(Between(random, 1, 10));
  config->latest = Chance(random, 300);
  config->chained = Chance(random, 600);
  config->transactional = Chance(random, 600);
  config->watermarks = Chance(random, 700);
  config->state_padding = Chance(random, 500) ? 6000 : 0;
  config->job_options = {
      {"checkpoint.interval", absl::StrCat(Between(random, 50, 800), "ms")},
      {"checkpoint.timeout", absl::StrCat(Between(random, 400, 4000), "ms")},
      {"checkpoint.min-pause", Chance(random, 300) ? "100ms" : "0"},
      {"checkpoint.retained", absl::StrCat(Between(random, 1, 3))},
      {"checkpoint.inline-state-max", Chance(random, 500) ? "0" : "4kb"},
      {"checkpoint.tolerable-failures", Chance(random, 200) ? "3" : "-1"},
      {"restart.exponential-delay.initial-backoff", "50ms"},
      {"restart.exponential-delay.max-backoff", absl::StrCat(Between(random, 1, 4), "s")},
  };
}

void DrawWorld(Random& random, SimConfig* config) {
  config->faults_until = absl::Milliseconds(Between(random, 2000, 12'000));
  if (Chance(random, 100)) return;  // a quiet world must work, too
  config->faults = static_cast<uint32_t>(Between(random, 0, 10));
  if (Chance(random, 500)) config->storage_unknown = static_cast<uint32_t>(Between(random, 1, 80));
  if (Chance(random, 200)) config->storage_full = static_cast<uint32_t>(Between(random, 1, 30));
  if (Chance(random, 400)) config->message_drop = static_cast<uint32_t>(Between(random, 1, 60));
  if (Chance(random, 400))
    config->message_duplicate = static_cast<uint32_t>(Between(random, 1, 100));
  if (Chance(random, 400)) config->message_reorder = static_cast<uint32_t>(Between(random, 1, 100));
  if (Chance(random, 200)) config->sink_error = static_cast<uint32_t>(Between(random, 1, 20));
  config->two_leaders = Chance(random, 300);
}

// A world whose JobManager is away for longer than transactions live, and where little else is
// wrong: the job has to get so far.
void DrawDowntime(Random& random, SimConfig* config) {
  if (Chance(random, 200)) return;
  config->job_managers = 1;
  config->two_leaders = false;
  config->faults = std::min<uint32_t>(config->faults, 3);
  config->faults_until = absl::Milliseconds(Between(random, 9000, 20'000));
  config->storage_unknown = config->storage_full = config->message_drop = config->sink_error = 0;
  config->records = Between(random, 150, 250);
  config->records_per_second = Between(random, 12, 20);
  config->broker_loss = static_cast<uint32_t>(Between(random, 0, 60));
}

// Time for two generations to replay, one after the other.
void DrawInterruptions(Random& random, SimConfig* config) {
  config->replay_interruption = 500;
  config->faults_until += absl::Milliseconds(Between(random, 4000, 12'000));
  config->cluster_options["heartbeat.taskmanager-timeout"] =
      absl::FormatDuration(SimConfig::kSoonMissed);
}

// From a stream of its own: what it draws does not change the rest of a seed.
void DrawTransactions(Random& random, SimConfig* config) {
  config->topic_partitions = static_cast<uint32_t>(Between(random, 1, 3));
  // A sink whose slots are all taken by failed epochs gives up at three quarters of it.
  config->transaction_timeout = absl::Minutes(1);
  if (Chance(random, 250))
    config->transaction_timeout = absl::Milliseconds(Between(random, 3000, 8000));
  if (!config->transactional) return;
  const bool short_lived = config->transaction_timeout < absl::Minutes(1);
  if (short_lived) DrawDowntime(random, config);
  if (short_lived && Chance(random, 600)) DrawInterruptions(random, config);
  config->retention = short_lived && Chance(random, 300);
  config->cancel = Chance(random, 150);
  config->cancel_at = absl::Milliseconds(Between(random, 500, 12'000));
  if (Chance(random, 150)) return;
  if (config->broker_loss == 0 && Chance(random, 500)) {
    config->broker_loss = static_cast<uint32_t>(Between(random, 1, 40));
  }
  if (Chance(random, 500)) config->broker_faults = static_cast<uint32_t>(Between(random, 1, 8));
  config->slow_markers = Chance(random, 300);
}

// A third of all seeds, and none of those that seeds.txt has kept from before: they still find what
// they have found.
bool HasRequests(uint64_t seed) {
  const uint64_t rest = seed % 12;
  return rest == 4 || rest == 7 || rest == 9 || rest == 10;
}

bool HasShuffles(uint64_t seed) {
  const uint64_t twelfth = seed % 12;
  const uint64_t sixteenth = seed % 16;
  return twelfth == 4 || twelfth == 9 || sixteenth == 3 || sixteenth == 8;
}

void DrawShuffles(Random& random, SimConfig* config) {
  config->shuffles = static_cast<uint32_t>(Between(random, 1, 2));
  config->chained = false;
  // From one shuffle to the next records may change their subtasks freely.
  const auto most = static_cast<int64_t>(config->slots * (config->task_managers - 1));
  if (config->shuffles == 2) {
    config->operator_parallelism =
        static_cast<uint32_t>(Between(random, 1, std::min<int64_t>(4, most)));
  }
}

// As HasRequests: none that was kept from before.
bool HasKeyedOperators(uint64_t seed) { return seed % 9 == 4 || seed % 9 == 8; }
bool IsShaped(uint64_t seed) { return seed % 18 == 10 || seed % 18 == 11; }

// Of one more ninth, what the others leave out; seed 2 was kept from before.
std::optional<KeyedConfig::Shape> ShapeOf(uint64_t seed, PlantedBug bug) {
  using Shape = KeyedConfig::Shape;
  if (bug == PlantedBug::kAgainDropped) return Shape::kLateSliding;
  if (bug == PlantedBug::kWalkCutShort) return Shape::kLongWalks;
  if (bug == PlantedBug::kClockTimersNotRestored) return Shape::kClock;
  if (bug != PlantedBug::kNone || !IsShaped(seed)) return std::nullopt;
  return static_cast<Shape>(seed / 18 % 4);
}

// Nothing is between the windows and the sink.
void ChainSink(SimConfig* config) {
  config->keyed.unread = true;
  config->operator_parallelism = 0;
  config->chained = true;
}

// What comes out is known beforehand, so the input has an end, and a beginning.
void DrawKeyed(Random& random, SimConfig* config) {
  const std::optional<KeyedConfig::Shape> shape = ShapeOf(config->seed, config->bug);
  config->keyed = shape ? KeyedConfig::DrawShape(random, *shape)
                        : KeyedConfig::Draw(random, config->bug == PlantedBug::kFiringCutShort);
  config->bounded = true;
  config->latest = false;
  config->late_splits = 0;
  config->shuffles = 0;
  config->watermarks = true;
  // A sink that is at least once may get what one history comes to, and another one.
  if (config->keyed.late || config->keyed.program == KeyedConfig::Program::kClockWindows) {
    config->transactional = true;
  }
  const auto most = static_cast<int64_t>(config->slots * (config->task_managers - 1));
  config->operator_parallelism =
      Chance(random, 500) ? 0
                          : static_cast<uint32_t>(Between(random, 1, std::min<int64_t>(4, most)));
  if (config->keyed.aligned) {
    config->operator_parallelism = 0;
    config->parallelism = std::min(config->parallelism, config->splits);
  }
  if (config->keyed.long_walks()) {
    config->splits = std::min<uint32_t>(config->splits, 2);
    config->records = Between(random, 30, 50);
  }
  if (!config->keyed.burst() || config->keyed.aligned) return;
  // Enough timers of one subtask for several slices, and a barrier between them.
  config->parallelism = std::min<uint32_t>(config->parallelism, 2);
  config->operator_parallelism = 0;
  config->chained = Chance(random, 800);
  config->job_options["checkpoint.interval"] = absl::StrCat(Between(random, 50, 250), "ms");
  config->splits = std::max<uint32_t>(config->splits, 4);
  config->records = Between(random, 150, 250);
  config->records_per_second = Between(random, 30, 60);
}

}  // namespace

SimConfig SimConfig::Draw(uint64_t seed, PlantedBug bug) {
  SimConfig config;
  config.seed = seed;
  config.bug = bug;
  SeededRandom random(StableHash64("configuration", seed));
  DrawCluster(random, &config);
  DrawJob(random, &config);
  DrawWorld(random, &config);
  SeededRandom keyed(StableHash64("keyed", seed));
  if (bug == PlantedBug::kNone ? HasKeyedOperators(seed) || IsShaped(seed) : IsKeyedBug(bug)) {
    DrawKeyed(keyed, &config);
  }
  SeededRandom walks(StableHash64("walks", seed));
  if (config.keyed.long_walks() && (bug == PlantedBug::kWalkCutShort || Chance(walks, 500))) {
    ChainSink(&config);
  }
  SeededRandom lists(StableHash64("lists", seed));
  config.keyed.lists = seed % 2 == 0 && Chance(lists, 700);
  SeededRandom watermarks(StableHash64("watermarks", seed));
  if (bug == PlantedBug::kNone && config.keyed.on()) config.keyed.DrawWatermarks(watermarks);
  SeededRandom transactions(StableHash64("transactions", seed));
  DrawTransactions(transactions, &config);
  SeededRandom handles(StableHash64("handles", seed));
  config.fresh_handles = config.transactional && Chance(handles, 80);
  SeededRandom requests(StableHash64("requests", seed));
  if (bug == PlantedBug::kNone && HasRequests(seed)) {
    config.requests = static_cast<uint32_t>(Between(requests, 20, 300));
  }
  SeededRandom shuffles(StableHash64("shuffles", seed));
  if (bug == PlantedBug::kNone && !config.keyed.on() && HasShuffles(seed))
    DrawShuffles(shuffles, &config);
  return config;
}

// Little enough that a run is over in some milliseconds, and enough that windows of several
// checkpoints, and rows between them, are under way.
SimConfig SimConfig::Small(uint64_t seed, PlantedBug bug) {
  SimConfig config;
  config.seed = seed;
  config.bug = bug;
  config.job_managers = 2;
  config.task_managers = 2;
  config.slots = 2;
  config.cluster_options = {{"cluster.id", "sim"},
                            {"heartbeat.suspect-after", "300ms"},
                            {"heartbeat.taskmanager-timeout", "2s"}};
  SeededRandom random(StableHash64("small", seed));
  config.parallelism = 2;
  config.operator_parallelism = Chance(random, 500) ? 1 : 0;
  config.splits = 2;
  config.records = 18;
  config.records_per_second = 10;
  config.batch = 3;
  config.chained = Chance(random, 500);
  config.transactional = true;
  config.state_padding = 0;
  config.small = true;
  config.keyed = KeyedConfig::Small(static_cast<uint32_t>(seed % KeyedConfig::kSmallPrograms));
  if (config.keyed.aligned) config.operator_parallelism = 0;
  if (config.keyed.long_walks()) {
    ChainSink(&config);
    config.records = 30;  // the first ones are there before the job is
  }
  config.job_options = {
      {"checkpoint.interval", "150ms"},
      {"checkpoint.timeout", "1s"},
      {"checkpoint.retained", "2"},
      {"checkpoint.inline-state-max", Chance(random, 500) ? "0" : "4kb"},
      {"restart.exponential-delay.initial-backoff", "50ms"},
      {"restart.exponential-delay.max-backoff", "1s"},
  };
  return config;  // nothing fails by itself: faults_until is 0
}

std::string SimConfig::ToString() const {
  std::string text = absl::StrCat(
      "jobmanagers=", job_managers, " taskmanagers=", task_managers, " slots=", slots,
      " parallelism=", parallelism, " splits=", splits, "+", late_splits, " records=", records, "@",
      records_per_second, "/s batch=", batch, " bounded=", bounded, " latest=", latest,
      " chained=", chained, " transactional=", transactional, " watermarks=", watermarks,
      " padding=", state_padding, " faults=", faults, " until=", absl::FormatDuration(faults_until),
      " unknown=", storage_unknown, " full=", storage_full, " drop=", message_drop,
      " duplicate=", message_duplicate, " reorder=", message_reorder, " sink_error=", sink_error,
      " two_leaders=", two_leaders, " requests=", requests);
  if (shuffles > 0) absl::StrAppend(&text, " shuffles=", shuffles, " counters=", counters());
  if (keyed.on()) absl::StrAppend(&text, " ", keyed.ToString(), " counters=", counters());
  if (transactional) {
    absl::StrAppend(&text, " timeout=", absl::FormatDuration(transaction_timeout),
                    " partitions=", topic_partitions, " fresh_handles=", fresh_handles,
                    " broker_loss=", broker_loss, " broker_faults=", broker_faults,
                    " slow_markers=", slow_markers, " retention=", retention,
                    " replay_interruption=", replay_interruption);
    if (cancel) absl::StrAppend(&text, " cancel=", absl::FormatDuration(cancel_at));
  }
  for (const auto& [key, value] : cluster_options) absl::StrAppend(&text, " ", key, "=", value);
  for (const auto& [key, value] : job_options) absl::StrAppend(&text, " ", key, "=", value);
  return text;
}

}  // namespace weir::sim
