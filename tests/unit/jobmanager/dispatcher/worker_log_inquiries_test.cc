// `weir logs`: every TaskManager is asked; who is away is named.
#include "jobmanager/dispatcher/worker_log_inquiries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/base/seeded_random.h"
#include "tests/support/manual_executor.h"
#include "tests/unit/jobmanager/job/testing_job.h"

namespace weir::jobmanager {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Logs = std::vector<proto::WorkerLog>;
using Answer = absl::StatusOr<proto::ReadJobLogsResponse>;

class WorkerLogInquiriesTest : public JobTest {
 protected:
  WorkerLogInquiriesTest() {
    leader_ = MakeLeader(1);
    inquiries_ = std::make_unique<WorkerLogInquiries>(executor_, random_, leader_->registry);
    leader_->on_worker_logs = [this](const proto::WorkerLogsResult& result) {
      inquiries_->OnResult(result);
    };
    AddTaskManager("tm-a");
    AddTaskManager("tm-b");
    Wait(absl::Seconds(1));
  }
  static proto::WorkerLog Log(const std::string& worker, bool alive, int64_t written_at_ms) {
    proto::WorkerLog log;
    log.set_worker(worker);
    log.set_alive(alive);
    log.set_written_at_ms(written_at_ms);
    return log;
  }
  Answer Ask(const std::string& worker = "", std::set<TaskManagerId> expected = {}) {
    WorkerLogInquiries::Question question;
    question.job = JobId("j");
    question.request.set_worker(worker);
    question.request.set_tail_lines(7);
    question.expected = std::move(expected);
    Answer answer = absl::CancelledError("no answer yet");
    inquiries_->Ask(question, [&answer](Answer given) { answer = std::move(given); });
    Wait(absl::Seconds(6));
    return answer;
  }
  std::unique_ptr<WorkerLogInquiries> inquiries_;
};

TEST_F(WorkerLogInquiriesTest, TheNewestWorkerComesLast) {
  tm(0).logs = Logs{Log("w-3", false, 30), Log("w-4", true, 1)};
  tm(1).logs = Logs{Log("w-1", false, 10), Log("w-2", false, 20)};
  const Answer answer = Ask();
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::vector<std::string> workers;
  for (const proto::WorkerLog& log : answer->logs()) workers.push_back(log.worker());
  EXPECT_THAT(workers, ElementsAre("w-1", "w-2", "w-3", "w-4"));
  EXPECT_THAT(answer->away(), IsEmpty());
  EXPECT_EQ(tm(0).log_questions.back().tail_lines(), 7u);
  EXPECT_EQ(tm(0).log_questions.back().max_bytes(), WorkerLogInquiries::kMaxBytes / 2);
}

TEST_F(WorkerLogInquiriesTest, WhoIsAwayIsNamed) {
  tm(0).logs = Logs{Log("w-1", true, 0)};  // tm-b is registered, and does not answer
  const Answer answer = Ask("", {TaskManagerId("tm-a"), TaskManagerId("tm-gone")});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->logs_size(), 1);
  EXPECT_THAT(answer->away(), ElementsAre("TaskManager tm-gone is away",
                                          "TaskManager tm-b did not answer within 5s"));
}

TEST_F(WorkerLogInquiriesTest, OneWorkersLogIsEnough) {
  tm(0).logs = Logs{Log("w-1", true, 0)};
  const Answer answer = Ask("w-1");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(answer->away(), IsEmpty());
}

TEST_F(WorkerLogInquiriesTest, AWorkerThatNobodyKnowsIsNotFound) {
  tm(0).logs.emplace();
  tm(1).logs.emplace();
  EXPECT_EQ(Ask("w-9").status(),
            absl::NotFoundError("no TaskManager has a log of worker 'w-9' of this job"));
}

TEST_F(WorkerLogInquiriesTest, AnErrorIsTold) {
  tm(0).logs.emplace();
  tm(1).logs.emplace();
  tm(1).logs_error = "there are no files";
  EXPECT_THAT(Ask()->away(), ElementsAre("TaskManager tm-b answered: there are no files"));
}

}  // namespace
}  // namespace weir::jobmanager
