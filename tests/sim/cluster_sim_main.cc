// cluster_sim: runs the cluster simulator for one seed or a range of seeds.
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "common/base/log.h"
#include "tests/sim/crash_campaign.h"
#include "tests/sim/sim_cluster.h"

namespace {

using weir::sim::CrashCampaignOptions;
using weir::sim::CrashCampaignResult;
using weir::sim::PlantedBug;
using weir::sim::SimConfig;
using weir::sim::SimCrash;
using weir::sim::SimResult;

constexpr char kUsage[] =
    "Usage: cluster_sim --seed N | --seeds A..B [--bug NAME] [--until-caught] [--verbose] "
    "[--logs]\n"
    "       cluster_sim --crash-at-every-step N | A..B [--bug NAME] [--until-caught] [--stride N]\n"
    "                   [--turn N]\n"
    "       cluster_sim --small N [--crash WHO@EVENT] [--bug NAME] [--verbose] [--logs]\n"
    "Runs a simulated cluster under each seed and checks the invariants of docs/protocols.\n"
    "  --bug NAME       plants a mistake; --bug list names them\n"
    "  --until-caught   stops at the first violation\n"
    "  --verbose        prints the trace\n"
    "  --logs           prints the product's own log lines, too\n"
    "  --crash-at-every-step\n"
    "                   the small keyed job of each seed, once for each of its events and each\n"
    "                   process, which dies there; --stride leaves events out, --turn all victims\n"
    "                   but one at each, as a test of CI says that failed\n"
    "  --small          that job alone; --crash as a violation names it: worker-1@250\n";

struct Arguments {
  enum class Mode { kNone, kSeeds, kCampaign, kSmall };
  Mode mode = Mode::kNone;
  uint64_t first = 0;
  uint64_t last = 0;
  uint64_t stride = 1;
  std::optional<uint64_t> turn;
  PlantedBug bug = PlantedBug::kNone;
  std::optional<SimCrash> crash;
  bool until_caught = false;
  bool verbose = false;
  bool logs = false;
};

bool ParseSeeds(const std::string& text, Arguments::Mode mode, Arguments* arguments) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (!absl::SimpleAtoi(ends.first, &arguments->first)) return false;
  arguments->mode = mode;
  arguments->last = arguments->first;
  return ends.second.empty() || absl::SimpleAtoi(ends.second, &arguments->last);
}

bool ParseValue(const std::string& flag, const std::string& value, Arguments* arguments) {
  using Mode = Arguments::Mode;
  if (flag == "--seed" || flag == "--seeds") return ParseSeeds(value, Mode::kSeeds, arguments);
  if (flag == "--crash-at-every-step") return ParseSeeds(value, Mode::kCampaign, arguments);
  if (flag == "--small") return ParseSeeds(value, Mode::kSmall, arguments);
  if (flag == "--stride") {
    return absl::SimpleAtoi(value, &arguments->stride) && arguments->stride > 0;
  }
  if (flag == "--turn") return absl::SimpleAtoi(value, &arguments->turn.emplace());
  if (flag == "--crash") {
    arguments->crash = weir::sim::ParseCrash(value);
    return arguments->crash.has_value();
  }
  if (flag != "--bug") return false;
  const std::optional<PlantedBug> bug = weir::sim::FindPlantedBug(value);
  if (!bug) {
    for (const auto& one : weir::sim::kPlantedBugs) absl::PrintF("%s\n", one.name);
    return false;
  }
  arguments->bug = *bug;
  return true;
}

bool Parse(int argc, char** argv, Arguments* arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--until-caught") {
      arguments->until_caught = true;
    } else if (flag == "--verbose") {
      arguments->verbose = true;
    } else if (flag == "--logs") {
      arguments->logs = true;
    } else if (i + 1 >= argc || !ParseValue(flag, argv[++i], arguments)) {
      return false;
    }
  }
  return arguments->mode != Arguments::Mode::kNone;
}

SimConfig ConfigOf(const Arguments& arguments, uint64_t seed) {
  if (arguments.mode != Arguments::Mode::kSmall) return SimConfig::Draw(seed, arguments.bug);
  SimConfig config = SimConfig::Small(seed, arguments.bug);
  config.crash = arguments.crash;
  return config;
}

// False: an invariant was violated.
bool RunOne(const Arguments& arguments, uint64_t seed) {
  const SimConfig config = ConfigOf(arguments, seed);
  if (arguments.verbose) absl::PrintF("%s\n", config.ToString());
  const SimResult result = weir::sim::RunConfig(config, arguments.verbose);
  absl::PrintF(
      "seed %d %s hash %016x events %d epochs %d generations %d replays %d virtual "
      "%s %s\n",
      seed, result.violation.empty() ? "ok" : "VIOLATION", result.trace_hash, result.events,
      result.epochs, result.generations, result.replays, absl::FormatDuration(result.finished_at),
      result.violation);
  return result.violation.empty();
}

bool RunCampaign(const Arguments& arguments, uint64_t seed) {
  CrashCampaignOptions options;
  options.seed = seed;
  options.bug = arguments.bug;
  options.in_turn = arguments.turn.has_value();
  options.turn = arguments.turn.value_or(0);
  options.stride = arguments.stride;
  options.until_caught = arguments.until_caught;
  const CrashCampaignResult result = weir::sim::RunCrashCampaign(options);
  for (const std::string& violation : result.violations) {
    absl::PrintF("VIOLATION --small %d --crash %s\n", seed, violation);
  }
  absl::PrintF("seed %d %s steps %d runs %d recovered %d: %s\n", seed,
               result.violations.empty() ? "ok" : "VIOLATION", result.steps, result.runs,
               result.recovered, SimConfig::Small(seed, arguments.bug).keyed.ToString());
  return result.violations.empty();
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Parse(argc, argv, &arguments)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  weir::LogOptions logging;
  logging.level = arguments.logs ? weir::LogLevel::kDebug : weir::LogLevel::kError;
  if (!arguments.logs) logging.file = "/dev/null";
  weir::InitLogging(logging).IgnoreError();
  bool violated = false;
  for (uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    const bool held = arguments.mode == Arguments::Mode::kCampaign ? RunCampaign(arguments, seed)
                                                                   : RunOne(arguments, seed);
    std::fflush(stdout);
    violated = violated || !held;
    if (violated && arguments.until_caught) break;
  }
  return violated ? 1 : 0;
}
