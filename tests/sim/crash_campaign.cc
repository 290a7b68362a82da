#include "tests/sim/crash_campaign.h"

#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace weir::sim {
namespace {

using Victim = SimCrash::Victim;

struct NamedVictim {
  absl::string_view name;
  Victim victim;
  uint32_t which;
};
// Of a small cluster: two TaskManagers, a worker on each.
constexpr std::array<NamedVictim, CrashCampaignOptions::kVictims> kVictims = {
    {{"worker-0", Victim::kWorker, 0},
     {"taskmanager-0", Victim::kTaskManager, 0},
     {"jobmanager", Victim::kJobManager, 0},
     {"worker-1", Victim::kWorker, 1},
     {"taskmanager-1", Victim::kTaskManager, 1}}};

class CrashCampaign {
 public:
  explicit CrashCampaign(const CrashCampaignOptions& options)
      : options_(options), config_(SimConfig::Small(options.seed, options.bug)) {}

  CrashCampaignResult Run() {
    const SimResult first = RunConfig(config_);
    if (!first.violation.empty() && options_.bug == PlantedBug::kNone) {
      result_.violations.push_back(absl::StrCat("without a crash: ", first.violation));
      return result_;
    }
    generations_ = first.generations;
    const uint64_t begin = options_.in_turn ? first.first_worker : 1;
    uint64_t last = 0;
    for (const auto& [event, victim] : PlannedCrashes(options_, begin, first.over)) {
      result_.steps += event == last ? 0 : 1;
      last = event;
      RunWith(kVictims[victim], event);
      if (options_.until_caught && !result_.violations.empty()) break;
    }
    return result_;
  }

 private:
  void RunWith(const NamedVictim& victim, uint64_t event) {
    SimConfig config = config_;
    config.crash = SimCrash{event, victim.victim, victim.which};
    const SimResult result = RunConfig(config);
    ++result_.runs;
    result_.recovered += result.generations > generations_ ? 1 : 0;
    if (result.violation.empty()) return;
    result_.violations.push_back(absl::StrCat(ToString(*config.crash), ": ", result.violation));
  }

  const CrashCampaignOptions options_;
  const SimConfig config_;
  uint64_t generations_ = 0;  // without a crash
  CrashCampaignResult result_;
};

}  // namespace

std::vector<std::pair<uint64_t, uint64_t>> PlannedCrashes(const CrashCampaignOptions& options,
                                                          uint64_t begin, uint64_t end) {
  std::vector<std::pair<uint64_t, uint64_t>> planned;
  const uint64_t offset = options.in_turn ? options.turn % options.stride : 0;
  for (uint64_t event = begin + offset; event <= end; event += options.stride) {
    const uint64_t first = options.in_turn ? event + options.turn / options.stride : 0;
    for (uint64_t i = 0; i < (options.in_turn ? 1 : kVictims.size()); ++i) {
      planned.emplace_back(event, (first + i) % kVictims.size());
    }
  }
  return planned;
}

CrashCampaignResult RunCrashCampaign(const CrashCampaignOptions& options) {
  return CrashCampaign(options).Run();
}

std::string ToString(const SimCrash& crash) {
  for (const NamedVictim& one : kVictims) {
    if (one.victim != crash.victim || one.which != crash.which) continue;
    return absl::StrCat(one.name, "@", crash.event);
  }
  return absl::StrCat("nobody@", crash.event);
}

std::optional<SimCrash> ParseCrash(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('@', 1));
  SimCrash crash;
  if (!absl::SimpleAtoi(parts.second, &crash.event)) return std::nullopt;
  for (const NamedVictim& one : kVictims) {
    if (one.name != parts.first) continue;
    crash.victim = one.victim;
    crash.which = one.which;
    return crash;
  }
  return std::nullopt;
}

}  // namespace weir::sim
