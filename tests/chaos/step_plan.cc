#include "tests/chaos/step_plan.h"

#include <algorithm>
#include <ostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

constexpr uint64_t kChoices = 3;
constexpr int64_t kLongestHoldMs = 1500;

}  // namespace

const std::vector<CampaignStep>& CampaignSteps() {
  static const auto* steps = new std::vector<CampaignStep>{
      {"during-prewarm", StepPrelude::kNewTasks, 2},
      {"after-first-produce", StepPrelude::kNone},
      {"after-marker", StepPrelude::kNone},
      {"after-flush", StepPrelude::kNone},
      {"before-answer", StepPrelude::kNone},
      {"after-acknowledgement", StepPrelude::kNone},
      {"before-entry", StepPrelude::kNone},
      {"after-entry", StepPrelude::kNone},
      {"after-permit", StepPrelude::kNone},
      {"after-commit", StepPrelude::kNone},
      {"before-recovery-end-transaction", StepPrelude::kOwnedEpoch, 2},
      {"after-recovery-end-transaction", StepPrelude::kOwnedEpoch, 2},
      {"during-replay", StepPrelude::kAbortedEpoch, 1},
  };
  return *steps;
}

std::string StepVictimName(StepVictim victim) {
  switch (victim) {
    case StepVictim::kWorker:
      return "worker";
    case StepVictim::kTaskManager:
      return "TaskManager";
    case StepVictim::kJobManager:
      return "JobManager";
    case StepVictim::kBroker:
      return "broker";
  }
  return "";
}

void PrintTo(StepVictim victim, std::ostream* out) { *out << StepVictimName(victim); }

std::string StepRound::ToString() const {
  return absl::StrCat(step.name, " (time ", nth, ") x ", StepVictimName(victim), ", choice ",
                      choice, ", hold ", absl::FormatDuration(hold));
}

// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
uint64_t StepSequence::Below(uint64_t bound) {
  uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % bound;
}

StepRound StepSequence::Next() {
  if (left_.empty()) {
    for (const CampaignStep& step : CampaignSteps()) {
      for (const StepVictim victim : kStepVictims) {
        StepRound round;
        round.step = step;
        round.victim = victim;
        left_.push_back(round);
      }
    }
    for (size_t i = left_.size() - 1; i > 0; --i) std::swap(left_[i], left_[Below(i + 1)]);
  }
  StepRound round = left_.back();
  left_.pop_back();
  round.nth = 1 + static_cast<int>(Below(round.step.often));
  round.choice = Below(kChoices);
  // Every other time the stop ends with the kill.
  if (Below(2) == 0) round.hold = absl::Milliseconds(Below(kLongestHoldMs));
  return round;
}

void StepTally::Count(const StepRound& round, bool at_step, absl::Duration restored,
                      absl::Duration stable) {
  if (at_step) {
    ++hits_[{round.step.name, round.victim}];
  } else {
    ++elsewhere_;
  }
  ++rounds_;
  restored_sum_ += restored;
  restored_max_ = std::max(restored_max_, restored);
  stable_max_ = std::max(stable_max_, stable);
}

int StepTally::hits(const std::string& step, StepVictim victim) const {
  const auto found = hits_.find({step, victim});
  return found == hits_.end() ? 0 : found->second;
}

std::string StepTally::ToString() const {
  std::string text = absl::StrFormat("%-32s", "step");
  for (const StepVictim victim : kStepVictims) {
    absl::StrAppendFormat(&text, "%12s", StepVictimName(victim));
  }
  for (const CampaignStep& step : CampaignSteps()) {
    absl::StrAppendFormat(&text, "\n%-32s", step.name);
    for (const StepVictim victim : kStepVictims) {
      absl::StrAppendFormat(&text, "%12d", hits(step.name, victim));
    }
  }
  const absl::Duration mean = rounds_ == 0 ? absl::ZeroDuration() : restored_sum_ / rounds_;
  absl::StrAppendFormat(&text,
                        "\n%d rounds, %d of them with another worker killed; from the kill to the "
                        "restore %.1f s (mean), %.1f s (max); from there until the "
                        "last stable offset had passed all %.1f s (max)\n",
                        rounds_, elsewhere_, absl::ToDoubleSeconds(mean),
                        absl::ToDoubleSeconds(restored_max_), absl::ToDoubleSeconds(stable_max_));
  return text;
}

}  // namespace weir
