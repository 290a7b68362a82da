#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

#include "tests/sim/sim_cluster.h"

namespace weir::sim {

/// A crash at every step: a small keyed job (SimConfig::Small) is run once, to count its events,
/// and then once more for each of them and each process that can die there. A run is the same as
/// the first one up to the crash. Its output has to be the oracle's, as that of all runs.
struct CrashCampaignOptions {
  uint64_t seed = 0;
  PlantedBug bug = PlantedBug::kNone;
  /// Each step has one victim, in turn; else all of them, and steps before there is a worker, too.
  bool in_turn = true;
  uint64_t stride = 1;  // only every so many steps
  /// With a victim each: which of the steps, and who dies there. All of the turns together have
  /// every process die at every step.
  uint64_t turn = 0;  // of turns()
  bool until_caught = false;

  uint64_t turns() const { return stride * kVictims; }
  static constexpr uint64_t kVictims = 5;
};

struct CrashCampaignResult {
  uint64_t steps = 0;  // at which somebody died
  uint64_t runs = 0;
  /// What each run that violated an invariant was, and the violation.
  std::vector<std::string> violations;
  uint64_t recovered = 0;  // runs with more generations than the one without a crash
};

/// The events from `begin` through `end` at which somebody dies, and who, of kVictims.
std::vector<std::pair<uint64_t, uint64_t>> PlannedCrashes(const CrashCampaignOptions& options,
                                                          uint64_t begin, uint64_t end);
CrashCampaignResult RunCrashCampaign(const CrashCampaignOptions& options);

/// "worker-1@250": what --crash takes and violations begin with.
std::string ToString(const SimCrash& crash);
std::optional<SimCrash> ParseCrash(absl::string_view text);

}  // namespace weir::sim
