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
#include "tests/sim/sim_cluster.h"

namespace {

using weir::sim::PlantedBug;
using weir::sim::SimConfig;
using weir::sim::SimResult;

constexpr char kUsage[] =
    "Usage: cluster_sim --seed N | --seeds A..B [--bug NAME] [--until-caught] [--verbose] "
    "[--logs]\n"
    "Runs a simulated cluster under each seed and checks the invariants of docs/protocols.\n"
    "  --bug NAME       plants a mistake; --bug list names them\n"
    "  --until-caught   stops at the first violation\n"
    "  --verbose        prints the trace\n"
    "  --logs           prints the product's own log lines, too\n";

struct Arguments {
  uint64_t first = 0;
  uint64_t last = 0;
  PlantedBug bug = PlantedBug::kNone;
  bool until_caught = false;
  bool verbose = false;
  bool logs = false;
};

bool ParseSeeds(const std::string& text, Arguments* arguments) {
  const std::pair<std::string, std::string> ends = absl::StrSplit(text, absl::MaxSplits("..", 1));
  if (!absl::SimpleAtoi(ends.first, &arguments->first)) return false;
  arguments->last = arguments->first;
  return ends.second.empty() || absl::SimpleAtoi(ends.second, &arguments->last);
}

bool Parse(int argc, char** argv, Arguments* arguments) {
  bool seeds = false;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const bool has_value = i + 1 < argc;
    if ((flag == "--seed" || flag == "--seeds") && has_value) {
      seeds = ParseSeeds(argv[++i], arguments);
    } else if (flag == "--bug" && has_value) {
      const std::optional<PlantedBug> bug = weir::sim::FindPlantedBug(argv[++i]);
      if (!bug) {
        for (const auto& one : weir::sim::kPlantedBugs) absl::PrintF("%s\n", one.name);
        return false;
      }
      arguments->bug = *bug;
    } else if (flag == "--until-caught") {
      arguments->until_caught = true;
    } else if (flag == "--verbose") {
      arguments->verbose = true;
    } else if (flag == "--logs") {
      arguments->logs = true;
    } else {
      return false;
    }
  }
  return seeds;
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
    if (arguments.verbose) {
      absl::PrintF("%s\n", SimConfig::Draw(seed, arguments.bug).ToString());
    }
    const SimResult result = weir::sim::RunSeed(seed, arguments.bug, arguments.verbose);
    absl::PrintF(
        "seed %d %s hash %016x events %d epochs %d generations %d replays %d virtual "
        "%s %s\n",
        seed, result.violation.empty() ? "ok" : "VIOLATION", result.trace_hash, result.events,
        result.epochs, result.generations, result.replays, absl::FormatDuration(result.finished_at),
        result.violation);
    std::fflush(stdout);
    violated = violated || !result.violation.empty();
    if (violated && arguments.until_caught) break;
  }
  return violated ? 1 : 0;
}
