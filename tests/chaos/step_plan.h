#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace weir {

/// What has to happen so that somebody comes to a step.
enum class StepPrelude {
  kNone,          // a running job comes there by itself
  kNewTasks,      // a worker is killed: the next generation warms its slots
  kOwnedEpoch,    // the leader is killed behind an entry whose transactions nobody has committed
  kAbortedEpoch,  // and, while no JobManager lives, they are aborted, as their timeout would
};

/// A place of docs/protocols/transactions.md where the campaign kills.
struct CampaignStep {
  std::string name;  // as StepStop knows it
  StepPrelude prelude = StepPrelude::kNone;
  uint64_t often = 3;  // how often one process comes there behind the prelude
};
const std::vector<CampaignStep>& CampaignSteps();

/// What is killed there.
enum class StepVictim { kWorker, kTaskManager, kJobManager, kBroker };
inline constexpr StepVictim kStepVictims[] = {StepVictim::kWorker, StepVictim::kTaskManager,
                                              StepVictim::kJobManager, StepVictim::kBroker};
std::string StepVictimName(StepVictim victim);
/// For GoogleTest.
void PrintTo(StepVictim victim, std::ostream* out);

/// One stop and one kill.
struct StepRound {
  CampaignStep step;
  StepVictim victim = StepVictim::kWorker;
  int nth = 1;          // the time that a process comes to the step
  size_t choice = 0;    // of workers: 0 the one that stopped; others one of the job's, by number
  absl::Duration hold;  // between the kill and the end of the stop
  std::string ToString() const;
};

/// Every step with every victim, again and again, each cycle in an order of its own; the rest is
/// random. The same seed makes the same rounds.
class StepSequence {
 public:
  explicit StepSequence(uint64_t seed) : state_(seed) {}
  StepRound Next();

 private:
  uint64_t Below(uint64_t bound);

  uint64_t state_;
  std::vector<StepRound> left_;  // of this cycle
};

/// How often each step was hit with each victim, and how long recovery took. A round whose victim
/// was another worker than the one at the step (`at_step` false) hits nothing.
class StepTally {
 public:
  void Count(const StepRound& round, bool at_step, absl::Duration restored, absl::Duration stable);
  int hits(const std::string& step, StepVictim victim) const;
  int rounds() const { return rounds_; }
  /// A table of steps and victims, and the longest times.
  std::string ToString() const;

 private:
  std::map<std::pair<std::string, StepVictim>, int> hits_;
  int rounds_ = 0;
  int elsewhere_ = 0;
  absl::Duration restored_max_;
  absl::Duration restored_sum_;
  absl::Duration stable_max_;
};

}  // namespace weir
