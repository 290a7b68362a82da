#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
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
  bool until_caught = false;
};

struct CrashCampaignResult {
  uint64_t steps = 0;  // at which somebody died
  uint64_t runs = 0;
  /// What each run that violated an invariant was, and the violation.
  std::vector<std::string> violations;
  uint64_t recovered = 0;  // runs with more generations than the one without a crash
};

CrashCampaignResult RunCrashCampaign(const CrashCampaignOptions& options);

/// "worker-1@250": what --crash takes and violations begin with.
std::string ToString(const SimCrash& crash);
std::optional<SimCrash> ParseCrash(absl::string_view text);

}  // namespace weir::sim
