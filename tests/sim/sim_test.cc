// Whole clusters under many seeds; how to replay one: cluster_sim --seed N --verbose.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "common/base/log.h"
#include "common/base/system_random.h"
#include "tests/sim/crash_campaign.h"
#include "tests/sim/sim_cluster.h"
#include "tests/support/process/child_process.h"

namespace weir::sim {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr uint64_t kSlowness = 20;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr uint64_t kSlowness = 20;
#else
constexpr uint64_t kSlowness = 1;
#endif
#else
constexpr uint64_t kSlowness = 1;
#endif

constexpr uint64_t kSeedsOfOneTest = 1000 / kSlowness;
constexpr uint64_t kFreshSeeds = 500 / kSlowness;
constexpr uint64_t kSeedsToCatchABug = 2000;
// Where a sanitizer watches, bugs are run with, not looked for: that is the other builds' part.
constexpr uint64_t kSeedsWithABug = kSlowness == 1 ? kSeedsToCatchABug : 40;

class Simulation : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    LogOptions logging;
    logging.level = LogLevel::kError;
    logging.file = "/dev/null";
    ASSERT_TRUE(InitLogging(logging).ok());
  }
  static void ExpectHolds(uint64_t seed) {
    const SimResult result = RunSeed(seed);
    EXPECT_EQ(result.violation, "") << "replay: cluster_sim --seed " << seed << " --verbose";
  }
};

class RangeOfSeeds : public Simulation, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(RangeOfSeeds, InvariantsHold) {
  const uint64_t first = GetParam() * 1000 + 1;
  for (uint64_t seed = first; seed < first + kSeedsOfOneTest; ++seed) ExpectHolds(seed);
}

INSTANTIATE_TEST_SUITE_P(Thousands, RangeOfSeeds, ::testing::Values(0, 1, 2, 3));

TEST_F(Simulation, InvariantsHoldForSeedsNobodyRanBefore) {
  SystemRandom random;
  for (uint64_t i = 0; i < kFreshSeeds; ++i) ExpectHolds(random.Below(uint64_t{1} << 48));
}

TEST_F(Simulation, InvariantsHoldForSeedsThatFailedOnce) {
  std::ifstream file(absl::StrCat(std::getenv("WEIR_SOURCE_DIR"), "/tests/sim/seeds.txt"));
  ASSERT_TRUE(file.good());
  uint64_t kept = 0;
  for (std::string line; std::getline(file, line);) {
    const std::string text(line.substr(0, line.find('#')));
    const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
    if (words.empty()) continue;
    uint64_t seed = 0;
    ASSERT_TRUE(absl::SimpleAtoi(words[0], &seed)) << line;
    ++kept;
    ExpectHolds(seed);
  }
  EXPECT_GT(kept, 0u);
}

class PlantedBugs : public Simulation, public ::testing::WithParamInterface<PlantedBugName> {};

TEST_P(PlantedBugs, AreCaught) {
  for (uint64_t seed = 1; seed <= kSeedsWithABug; ++seed) {
    const SimResult result = RunSeed(seed, GetParam().bug);
    if (result.violation.empty()) continue;
    RecordProperty("caught_at_seed", static_cast<int>(seed));
    return;
  }
  if (kSlowness > 1) return;
  FAIL() << GetParam().name << " was not seen under " << kSeedsToCatchABug << " seeds";
}

INSTANTIATE_TEST_SUITE_P(Each, PlantedBugs, ::testing::ValuesIn(kPlantedBugs),
                         [](const ::testing::TestParamInfo<PlantedBugName>& bug) {
                           std::string name;
                           for (const char c : bug.param.name) {
                             name.push_back(c == '-' ? '_' : c);
                           }
                           return name;
                         });

// In two minutes: at each fifth step of a program of SimConfig::Small one process dies. Which steps
// they are, and who dies there, is another turn in every run, so that the runs cover all of them.
// At every step, and each process: cluster_sim --crash-at-every-step.
constexpr uint64_t kStepsBetweenCrashes = 5;

class CrashAtEveryStep : public Simulation, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(CrashAtEveryStep, OutputIsTheOracles) {
  CrashCampaignOptions options;
  options.seed = GetParam();
  options.stride = kStepsBetweenCrashes * kSlowness;
  options.turn = SystemRandom().Below(options.turns());
  const std::string replay = absl::StrCat("cluster_sim --crash-at-every-step ", options.seed,
                                          " --stride ", options.stride, " --turn ", options.turn);
  std::cout << replay << std::endl;
  const CrashCampaignResult result = RunCrashCampaign(options);
  EXPECT_THAT(result.violations, ::testing::IsEmpty())
      << "replay: " << replay << "; one of them: cluster_sim --small " << options.seed
      << " --verbose --crash ...";
  EXPECT_GT(result.steps, 120 / kSlowness);
  EXPECT_GT(result.recovered, result.runs / 3);
  RecordProperty("steps", static_cast<int>(result.steps));
}

INSTANTIATE_TEST_SUITE_P(Programs, CrashAtEveryStep,
                         ::testing::Range(uint64_t{0}, uint64_t{KeyedConfig::kSmallPrograms}));

TEST_F(Simulation, TheTurnsOfACrashCampaignCoverEveryStepAndProcess) {
  CrashCampaignOptions options;
  options.stride = 3;
  std::set<std::pair<uint64_t, uint64_t>> covered;
  for (options.turn = 0; options.turn < options.turns(); ++options.turn) {
    const std::vector<std::pair<uint64_t, uint64_t>> planned = PlannedCrashes(options, 100, 160);
    covered.insert(planned.begin(), planned.end());
  }
  EXPECT_EQ(covered.size(), 61 * CrashCampaignOptions::kVictims);
}

struct BugOfProgram {
  uint64_t program;
  PlantedBug bug;
  uint64_t stride = 7;  // so large that the run is soon behind the job's start
};

class CrashFinds : public Simulation, public ::testing::WithParamInterface<BugOfProgram> {};

// What only a restore in the middle shows is seen by some step.
TEST_P(CrashFinds, ThePlantedBug) {
  if (kSlowness > 1) GTEST_SKIP() << "that is the other builds' part";
  CrashCampaignOptions options;
  options.seed = GetParam().program;
  options.bug = GetParam().bug;
  options.stride = GetParam().stride;
  options.until_caught = true;
  EXPECT_FALSE(RunCrashCampaign(options).violations.empty());
}

INSTANTIATE_TEST_SUITE_P(Programs, CrashFinds,
                         ::testing::Values(BugOfProgram{2, PlantedBug::kTimersNotRestored},
                                           BugOfProgram{2, PlantedBug::kKeyGroupLost},
                                           BugOfProgram{2, PlantedBug::kPreparedAborted},
                                           BugOfProgram{6, PlantedBug::kAgainDropped},
                                           BugOfProgram{7, PlantedBug::kKeyGroupLost},
                                           BugOfProgram{7, PlantedBug::kTimersNotRestored},
                                           BugOfProgram{8, PlantedBug::kWatermarksForgotten},
                                           BugOfProgram{9, PlantedBug::kTimersNotRestored},
                                           BugOfProgram{10, PlantedBug::kClockTimersNotRestored},
                                           BugOfProgram{11, PlantedBug::kClockTimersNotRestored},
                                           BugOfProgram{12, PlantedBug::kKeyGroupLost},
                                           BugOfProgram{13, PlantedBug::kWalkCutShort, 35}),
                         [](const ::testing::TestParamInfo<BugOfProgram>& one) {
                           return absl::StrCat("p", one.param.program, "_b",
                                               static_cast<int>(one.param.bug));
                         });

TEST_F(Simulation, OneSeedGivesOneTraceInTwoProcesses) {
  const std::string program = absl::StrCat(std::getenv("WEIR_BINARY_DIR"), "/bin/cluster_sim");
  std::vector<std::string> outputs;
  for (int i = 0; i < 2; ++i) {
    ChildProcessOptions options;
    options.argv = {program, "--seeds", "1..20"};
    const auto result = ChildProcess::RunToEnd(options, absl::Seconds(120));
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->exit_status, 0) << result->standard_output;
    outputs.push_back(result->standard_output);
  }
  EXPECT_EQ(outputs[0], outputs[1]);
  EXPECT_NE(outputs[0].find("hash"), std::string::npos);
}

TEST_F(Simulation, TracesOfDifferentSeedsDiffer) {
  EXPECT_NE(RunSeed(1).trace_hash, RunSeed(2).trace_hash);
  EXPECT_EQ(RunSeed(1).trace_hash, RunSeed(1).trace_hash);
}

}  // namespace
}  // namespace weir::sim
