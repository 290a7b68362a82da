// The step campaign with chance: ./dev chaos --steps. Steps and victims in random order, each
// stop the first to third time, some kept up for a while after the kill.
//   step_chaos [--rounds=N] [--minutes=M] [--seed=S] [--rounds-per-run=R] [--stable-seconds=T]
//              [--hits=H]
// A run has a cluster and a Kafka of its own and ends with Java's console consumer. A failure ends
// its run, and its folders are kept. Exit code 0: every round went well. T (5) is what the last
// stable offset may take once the job is restored; more, where the processors are busy. All N
// rounds must have hit each step with each victim H times (5, or what N rounds can give); M ends it
// earlier.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

#include "tests/chaos/step_campaign.h"

namespace weir {
namespace {

constexpr int kMaxFailures = 3;

struct ChaosOptions {
  int64_t rounds = 1000;
  int64_t minutes = 0;  // 0: no such limit
  int64_t seed = 0;     // 0: one of its own
  int64_t rounds_per_run = 60;
  int64_t stable_seconds = 5;
  int64_t hits = 5;
};

absl::StatusOr<ChaosOptions> ParseOptions(int argc, char** argv) {
  ChaosOptions options;
  const std::map<std::string, int64_t*> known = {{"--rounds=", &options.rounds},
                                                 {"--minutes=", &options.minutes},
                                                 {"--seed=", &options.seed},
                                                 {"--rounds-per-run=", &options.rounds_per_run},
                                                 {"--stable-seconds=", &options.stable_seconds},
                                                 {"--hits=", &options.hits}};
  for (int i = 1; i < argc; ++i) {
    bool understood = false;
    for (const auto& [flag, value] : known) {
      absl::string_view text = argv[i];
      if (absl::ConsumePrefix(&text, flag)) {
        understood = absl::SimpleAtoi(text, value) && *value >= 0;
      }
    }
    if (!understood) return absl::InvalidArgumentError(absl::StrCat("wrong argument ", argv[i]));
  }
  if (options.seed == 0) options.seed = absl::ToUnixMillis(absl::Now());
  return options;
}

class StepChaos {
 public:
  explicit StepChaos(const ChaosOptions& options)
      : options_(options),
        sequence_(static_cast<uint64_t>(options.seed)),
        end_(options.minutes == 0 ? absl::InfiniteFuture()
                                  : absl::Now() + absl::Minutes(options.minutes)) {}

  int Run() {
    std::cout << "step_chaos --seed=" << options_.seed << std::endl;
    while (!over() && failures_ < kMaxFailures) RunOnce();
    std::cout << tally_.ToString() << records_ << " records in " << runs_ << " runs, " << failures_
              << " failures; seed " << options_.seed << std::endl;
    if (tried_ >= options_.rounds) CheckHits();
    return failures_ == 0 ? 0 : 1;
  }

 private:
  bool over() const { return tried_ >= options_.rounds || absl::Now() > end_; }

  void CheckHits() {
    const auto cells = static_cast<int64_t>(CampaignSteps().size() * std::size(kStepVictims));
    const int64_t wanted = std::min(options_.hits, options_.rounds / cells);
    for (const CampaignStep& step : CampaignSteps()) {
      for (const StepVictim victim : kStepVictims) {
        if (tally_.hits(step.name, victim) >= wanted) continue;
        ++failures_;
        std::cout << "FAILED: " << step.name << " x " << StepVictimName(victim) << " was hit "
                  << tally_.hits(step.name, victim) << " times of " << wanted << std::endl;
      }
    }
  }

  void RunOnce() {
    ++runs_;
    absl::StatusOr<std::unique_ptr<StepCampaign>> campaign =
        StepCampaign::Start({absl::Seconds(options_.stable_seconds)});
    if (!campaign.ok()) return Fail("the start", campaign.status(), nullptr);
    for (int64_t i = 0; i < options_.rounds_per_run && !over(); ++i) {
      const StepRound round = sequence_.Next();
      ++tried_;
      const absl::StatusOr<StepCampaign::Outcome> outcome = (*campaign)->Run(round);
      if (!outcome.ok()) return Fail(round.ToString(), outcome.status(), campaign->get());
      tally_.Count(round, outcome->at_step, outcome->restored, outcome->stable);
      std::cout << tried_ << " " << round.ToString() << ": restored in "
                << absl::FormatDuration(absl::Trunc(outcome->restored, absl::Milliseconds(1)))
                << ", stable in "
                << absl::FormatDuration(absl::Trunc(outcome->stable, absl::Milliseconds(1)))
                << std::endl;
    }
    const absl::Status finished = (*campaign)->Finish();
    if (!finished.ok()) return Fail("the end of the run", finished, campaign->get());
    records_ += (*campaign)->records();
    std::cout << "run " << runs_ << " ends: " << (*campaign)->records()
              << " records, each once for Java's console consumer" << std::endl;
  }

  void Fail(const std::string& where, const absl::Status& why, StepCampaign* campaign) {
    ++failures_;
    std::cout << "FAILED in run " << runs_ << ", round " << tried_ << ", " << where << ": " << why;
    if (campaign != nullptr) std::cout << "\n  kept: " << campaign->KeepFiles();
    std::cout << std::endl;
  }

  const ChaosOptions options_;
  StepSequence sequence_;
  const absl::Time end_;
  StepTally tally_;
  int64_t tried_ = 0;
  int64_t runs_ = 0;
  int64_t records_ = 0;
  int failures_ = 0;
};

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const absl::StatusOr<weir::ChaosOptions> options = weir::ParseOptions(argc, argv);
  if (!options.ok()) {
    std::cerr << "step_chaos: " << options.status().message() << "\n";
    return 2;
  }
  return weir::StepChaos(*options).Run();
}
