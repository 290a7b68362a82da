// Every step of docs/protocols/transactions.md with every process killed there, once.
// ./dev chaos --steps does it over and over, with chance.
#include "tests/chaos/step_campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "tests/support/kafka/kafka_test.h"

namespace weir {
namespace {

class StepCampaignTest : public testing::TestWithParam<StepVictim> {};

TEST_P(StepCampaignTest, KilledAtEachStep) {
  if (const std::string reason = ReasonToSkipKafka(); !reason.empty()) GTEST_SKIP() << reason;
  auto campaign = StepCampaign::Start({});
  ASSERT_TRUE(campaign.ok()) << campaign.status();
  StepTally tally;
  for (const CampaignStep& step : CampaignSteps()) {
    StepRound round;
    round.step = step;
    round.victim = GetParam();
    const auto outcome = (*campaign)->Run(round);
    ASSERT_TRUE(outcome.ok()) << round.ToString() << ": " << outcome.status()
                              << "\nkept: " << (*campaign)->KeepFiles();
    EXPECT_TRUE(outcome->at_step) << round.ToString();
    tally.Count(round, outcome->at_step, outcome->restored, outcome->stable);
  }
  const absl::Status finished = (*campaign)->Finish();
  EXPECT_TRUE(finished.ok()) << finished << "\nkept: " << (*campaign)->KeepFiles();
  std::cout << tally.ToString() << (*campaign)->records() << " records\n";
}

INSTANTIATE_TEST_SUITE_P(Killed, StepCampaignTest, testing::ValuesIn(kStepVictims),
                         [](const testing::TestParamInfo<StepVictim>& victim) {
                           return StepVictimName(victim.param);
                         });

}  // namespace
}  // namespace weir
