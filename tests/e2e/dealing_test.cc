// Rebalance, Broadcast and PartitionCustom on the real cluster: a topic whose first partition has
// nearly all, dealt out evenly, every event to every subtask, and each to the one that a function
// names, while workers are killed (event_dealing.cc).

#include <gmock/gmock.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "tests/e2e/event_job.h"

namespace weir {
namespace {

using testing::Each;
using testing::Pair;
using testing::SizeIs;

constexpr size_t kSubtasks = 4;
constexpr size_t kChunks = 4;
constexpr size_t kOfChunk = 10'000;
constexpr int kPoll = 200;  // the largest batch
constexpr size_t kEvents = kChunks * kOfChunk;

class DealingTest : public EventJobTest {
 protected:
  void FeedSkewed() {
    std::vector<TestEvent> events = MakeEvents(0, 100'000, kOfChunk, 10);
    for (size_t i = 0; i < events.size(); ++i) {
      // 85 % of all into partition 0.
      events[i].partition = i % 20 < 17 ? 0 : static_cast<int32_t>(i % 20 - 16);
    }
    Feed(events);
  }
  /// Ids and the subtasks that had them.
  std::vector<std::pair<int64_t, int64_t>> Dealt(const std::string& topic) {
    std::vector<std::pair<int64_t, int64_t>> dealt;
    for (const nlohmann::json& row : Rows(topic)) {
      dealt.emplace_back(row["id"].get<int64_t>(), row["subtask"].get<int64_t>());
    }
    return dealt;
  }
};

TEST_F(DealingTest, InTurnToAllAndByFunctionWhileWorkersAreKilled) {
  ASSERT_NO_FATAL_FAILURE(StartCluster(2, 2));
  CreateTopic("all");
  CreateTopic("custom");
  WeirJob job = EventJob("event_dealing");
  job.arguments.insert(
      job.arguments.end(),
      {absl::StrCat("--poll=", kPoll), absl::StrCat("--broadcast-output=", TopicName("all")),
       absl::StrCat("--custom-output=", TopicName("custom"))});
  Submit(job);
  for (size_t chunk = 0; chunk < kChunks; ++chunk) {
    FeedSkewed();
    if (chunk == 1 || chunk == 2) KillWorker(static_cast<int>(chunk) - 1);
  }
  ASSERT_NO_FATAL_FAILURE(AwaitCommitted("output", kEvents));
  ASSERT_NO_FATAL_FAILURE(AwaitCommitted("all", kSubtasks * kEvents));
  ASSERT_NO_FATAL_FAILURE(AwaitCommitted("custom", kEvents));
  StopJob();

  std::map<int64_t, int> times;
  std::map<int64_t, size_t> of_subtask;
  for (const auto& [id, subtask] : Dealt("output")) {
    ++times[id];
    ++of_subtask[subtask];
  }
  EXPECT_THAT(times, SizeIs(kEvents));
  EXPECT_THAT(times, Each(Pair(testing::_, 1)));
  // Each of both readers, in each of the three generations, may be one batch ahead for one subtask.
  EXPECT_THAT(of_subtask, SizeIs(kSubtasks));
  for (const auto& [subtask, count] : of_subtask) {
    EXPECT_NEAR(static_cast<double>(count), kEvents / kSubtasks, 2 * 3 * kPoll) << subtask;
  }

  std::map<std::pair<int64_t, int64_t>, int> copies;
  for (const auto& one : Dealt("all")) ++copies[one];
  EXPECT_THAT(copies, SizeIs(kSubtasks * kEvents));
  EXPECT_THAT(copies, Each(Pair(testing::_, 1)));

  // Each once, and where the function says: half of all go to the other worker.
  std::map<int64_t, int> routed;
  size_t astray = 0;
  for (const auto& [id, subtask] : Dealt("custom")) {
    ++routed[id];
    if (subtask != id / 3 % static_cast<int64_t>(kSubtasks)) ++astray;
  }
  EXPECT_THAT(routed, SizeIs(kEvents));
  EXPECT_THAT(routed, Each(Pair(testing::_, 1)));
  EXPECT_EQ(astray, 0u);
}

}  // namespace
}  // namespace weir
