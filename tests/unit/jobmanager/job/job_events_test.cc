// Events of a job and those who wait for them.
#include "jobmanager/job/job_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "tests/support/manual_executor.h"

namespace weir::jobmanager {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class JobEventsTest : public ::testing::Test {
 protected:
  void State(const std::string& state) {
    proto::JobEvent event;
    event.set_kind(proto::JobEvent::STATE);
    event.mutable_job()->set_state(state);
    events_.Append(event);
  }
  void Checkpoint() {
    proto::JobEvent event;
    event.set_kind(proto::JobEvent::CHECKPOINT);
    events_.Append(event);
  }
  using Answer = std::optional<absl::StatusOr<JobEvents::Events>>;
  void Await(uint64_t sequence, Answer* answer) {
    events_.Await(sequence, [answer](auto given) { *answer = std::move(given); });
  }
  // What is there behind `sequence`: "RUNNING", or "" for a checkpoint.
  std::vector<std::string> Behind(uint64_t sequence) {
    Answer answer;
    Await(sequence, &answer);
    std::vector<std::string> states;
    if (!answer.has_value() || !answer->ok()) return states;
    for (const proto::JobEvent& event : **answer) states.push_back(event.job().state());
    return states;
  }
  uint64_t Last() {
    Answer answer;
    Await(0, &answer);
    return (*answer)->back().sequence();
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  JobEvents events_{LeaderTerm(3), clock_};
};

TEST_F(JobEventsTest, AFirstQuestionGetsThePresentStateAndWhatFollowed) {
  State("DEPLOYING");
  State("RUNNING");
  Checkpoint();
  EXPECT_THAT(Behind(0), ElementsAre("RUNNING", ""));
}

TEST_F(JobEventsTest, ALaterQuestionGetsWhatIsBehindIt) {
  State("DEPLOYING");
  const uint64_t last = Last();
  State("RUNNING");
  Checkpoint();
  EXPECT_THAT(Behind(last), ElementsAre("RUNNING", ""));
}

TEST_F(JobEventsTest, AWatcherWaitsForTheNextEvent) {
  State("RUNNING");
  Answer answer;
  Await(Last(), &answer);
  EXPECT_FALSE(answer.has_value());
  Checkpoint();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ((*answer)->size(), 1u);
}

TEST_F(JobEventsTest, AWatcherMayAskAgainAfterAWhile) {
  State("RUNNING");
  Answer answer;
  Await(Last(), &answer);
  executor_.Advance(JobEvents::kPatience);
  events_.Expire();
  ASSERT_TRUE(answer.has_value());
  EXPECT_THAT(**answer, IsEmpty());
}

TEST_F(JobEventsTest, ALaterTermsSequencesAreAbove) {
  State("RUNNING");
  JobEvents later(LeaderTerm(4), clock_);
  proto::JobEvent event;
  event.set_kind(proto::JobEvent::STATE);
  later.Append(event);
  Answer answer;
  later.Await(Last(), [&answer](auto given) { answer = std::move(given); });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ((*answer)->size(), 1u);
}

TEST_F(JobEventsTest, OldEventsAreForgotten) {
  State("RUNNING");
  const uint64_t first = Last();
  for (size_t i = 0; i < JobEvents::kMax + 5; ++i) Checkpoint();
  EXPECT_EQ(Behind(first).size(), JobEvents::kMax);
  const std::vector<std::string> now = Behind(0);
  EXPECT_EQ(now.size(), JobEvents::kMax + 1);
  EXPECT_EQ(now.front(), "RUNNING");
}

TEST_F(JobEventsTest, ManyWatchersAreRefused) {
  State("RUNNING");
  const uint64_t last = Last();
  std::vector<Answer> answers(JobEvents::kMaxWatchers);
  for (Answer& answer : answers) Await(last, &answer);
  Answer refused;
  Await(last, &refused);
  ASSERT_TRUE(refused.has_value());
  EXPECT_TRUE(absl::IsUnavailable(refused->status()));
  Checkpoint();
  EXPECT_TRUE(answers.front().has_value());
  EXPECT_TRUE(answers.back().has_value());
}

}  // namespace
}  // namespace weir::jobmanager
