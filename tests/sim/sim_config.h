#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"

#include "tests/sim/keyed/keyed_config.h"
#include "tests/sim/planted_bug.h"
#include "tests/sim/sim_world.h"

namespace weir::sim {

/// A process that dies, right behind the event of this number. There may be none of the kind then:
/// nobody dies.
struct SimCrash {
  enum class Victim { kWorker, kTaskManager, kJobManager };  // of JobManagers the leader

  uint64_t event = 0;
  Victim victim = Victim::kWorker;
  uint32_t which = 0;  // of the workers, or TaskManagers, that there are
};

/// What one run looks like, drawn from its seed: the cluster, the job, and how hostile the world
/// is. Rates are per mille.
struct SimConfig {
  uint64_t seed = 0;
  PlantedBug bug = PlantedBug::kNone;

  // Cluster.
  uint32_t job_managers = 2;
  uint32_t task_managers = 3;
  uint32_t slots = 2;  // of each TaskManager
  std::map<std::string, std::string> cluster_options;

  // Job.
  uint32_t parallelism = 2;
  uint32_t splits = 3;
  uint32_t late_splits = 0;         // found by later discovery; unbounded jobs only
  int64_t records = 100;            // of each split
  int64_t records_per_second = 50;  // of each split
  uint32_t batch = 8;
  bool bounded = true;  // else the client stops it
  bool latest = false;  // starting positions differ with every discovery
  bool chained = true;
  /// Edges that deal the records out by their splits: before the operator, and before the sink.
  uint32_t shuffles = 0;
  uint32_t operator_parallelism = 0;  // where it has an edge of that kind; else 0: as the source
  bool transactional = true;
  bool watermarks = true;
  KeyedConfig keyed;  // off, or: the product's keyed operators in place of the model's
  // Of the transactional sink.
  absl::Duration transaction_timeout = absl::Minutes(5);
  uint32_t topic_partitions = 1;
  bool fresh_handles = false;  // no handle has a second transaction (docs/adr/0004)
  uint32_t requests = 0;       // of 1000: how often the client suspends, resumes or restarts it
  bool cancel = false;         // the client cancels it, at cancel_at
  absl::Duration cancel_at;
  uint32_t state_padding = 0;
  std::map<std::string, std::string> job_options;

  // World.
  absl::Duration faults_until;
  uint32_t faults = 0;
  uint32_t storage_unknown = 0;  // outcome unknown: before, after, or later
  uint32_t storage_full = 0;     // refused for certain
  uint32_t message_drop = 0;
  uint32_t message_duplicate = 0;
  uint32_t message_reorder = 0;
  uint32_t sink_error = 0;
  uint32_t broker_loss = 0;    // requests to Kafka without an answer
  uint32_t broker_faults = 0;  // coordinators and leaders that are away for a while
  bool slow_markers = false;
  bool retention = false;  // takes what timed out, now and then
  /// Of the moments of a replay, those at which its worker is cut off and another replays.
  uint32_t replay_interruption = 0;
  bool two_leaders = false;  // the lock is given away although its holder lives

  /// Where replays are interrupted: whoever is silent for so long is given up.
  static constexpr absl::Duration kSoonMissed = absl::Seconds(2);

  /// Of the operator.
  uint32_t counters() const {
    return operator_parallelism > 0 ? operator_parallelism : parallelism;
  }

  // Of CrashCampaign.
  bool small = false;
  std::optional<SimCrash> crash;

  static SimConfig Draw(uint64_t seed, PlantedBug bug);
  /// A small cluster with a small keyed job, and without any fault: for CrashCampaign.
  static SimConfig Small(uint64_t seed, PlantedBug bug);
  std::string ToString() const;
};

}  // namespace weir::sim
