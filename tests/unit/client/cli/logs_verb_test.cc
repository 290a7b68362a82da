#include "tests/unit/client/cli/cli_fixture.h"

namespace weir::cli {
namespace {

class LogsVerbTest : public CliTest {
 protected:
  static proto::WorkerLog Piece(const std::string& worker, uint64_t offset, const std::string& data,
                                uint64_t size) {
    proto::WorkerLog log;
    log.set_worker(worker);
    log.set_task_manager("tm-a");
    log.set_alive(worker == "w-2");
    if (!log.alive()) log.set_ending("killed by signal 9 (SIGKILL)");
    log.set_offset(offset);
    log.set_data(data);
    log.set_size_bytes(size);
    return log;
  }
  static proto::ReadJobLogsResponse Answer(std::vector<proto::WorkerLog> logs,
                                           bool job_ended = false) {
    proto::ReadJobLogsResponse answer;
    for (proto::WorkerLog& log : logs) *answer.add_logs() = std::move(log);
    answer.set_job_ended(job_ended);
    return answer;
  }
};

TEST_F(LogsVerbTest, EachWorkersLinesStandUnderItsHeading) {
  client_.logs = {Answer({Piece("w-1", 10, "died\n", 15), Piece("w-2", 0, "lives\n", 6)})};
  EXPECT_EQ(Run({"logs", "flights"}), kOk);
  EXPECT_EQ(out_.str(),
            "==> worker w-1 on TaskManager tm-a: killed by signal 9 (SIGKILL)\ndied\n\n"
            "==> worker w-2 on TaskManager tm-a: alive\nlives\n");
  EXPECT_EQ(client_.log_requests.front().tail_lines(), 200u);
}

TEST_F(LogsVerbTest, ALongLogIsFetchedInPieces) {
  client_.logs = {Answer({Piece("w-1", 0, "one\n", 8)}), Answer({Piece("w-1", 4, "two\n", 12)})};
  EXPECT_EQ(Run({"logs", "flights", "--tail=all"}), kOk);
  EXPECT_EQ(out_.str(),
            "==> worker w-1 on TaskManager tm-a: killed by signal 9 (SIGKILL)\none\ntwo\n");
  EXPECT_EQ(client_.log_requests.front().tail_lines(), 0u);
  ASSERT_EQ(client_.log_requests.size(), 2u) << "what was written meanwhile is not waited for";
  EXPECT_EQ(client_.log_requests[1].worker(), "w-1");
  EXPECT_EQ(client_.log_requests[1].positions(0).offset(), 4u);
}

TEST_F(LogsVerbTest, FollowGoesOnUntilTheJobHasEnded) {
  client_.logs = {Answer({Piece("w-2", 0, "one\n", 4)}), Answer({Piece("w-2", 4, "", 4)}),
                  Answer({Piece("w-2", 4, "two\n", 8), Piece("w-3", 0, "new\n", 4)}),
                  Answer({Piece("w-2", 8, "", 8), Piece("w-3", 4, "", 4)}, true)};
  EXPECT_EQ(Run({"logs", "flights", "--follow"}), kOk);
  EXPECT_EQ(out_.str(),
            "==> worker w-2 on TaskManager tm-a: alive\none\ntwo\n\n"
            "==> worker w-3 on TaskManager tm-a: killed by signal 9 (SIGKILL)\nnew\n");
  EXPECT_EQ(client_.log_requests[1].positions(0).offset(), 4u);
  EXPECT_EQ(client_.log_requests[1].tail_lines(), 0u);
}

TEST_F(LogsVerbTest, WhereAllAreAwayThereIsNothingToRead) {
  proto::ReadJobLogsResponse answer;
  answer.add_away("TaskManager tm-b is away");
  client_.logs = {answer};
  EXPECT_EQ(Run({"logs", "flights"}), kUnreachable);
  EXPECT_EQ(error_.str(), "weir: TaskManager tm-b is away\n");
}

TEST_F(LogsVerbTest, WhoIsAwayIsSaidOnceOnStandardError) {
  proto::ReadJobLogsResponse answer;
  answer.add_away("TaskManager tm-b is away");
  client_.logs = {answer, answer, answer};
  client_.logs.back().set_job_ended(true);
  EXPECT_EQ(Run({"logs", "flights", "--follow"}), kOk);
  EXPECT_EQ(error_.str(), "weir: TaskManager tm-b is away\n");
  EXPECT_EQ(out_.str(), "");
}

TEST_F(LogsVerbTest, AsJsonItIsAnObjectALine) {
  client_.logs = {Answer({Piece("w-1", 0, "one\n", 4)})};
  EXPECT_EQ(Run({"logs", "flights", "--worker=w-1", "-o", "json"}), kOk);
  EXPECT_EQ(out_.str(),
            "{\"worker_id\":\"w-1\",\"taskmanager\":\"tm-a\",\"alive\":false,"
            "\"ending\":\"killed by signal 9 (SIGKILL)\",\"written_at\":null,\"offset\":0,"
            "\"text\":\"one\\n\"}\n");
  EXPECT_EQ(client_.log_requests.front().worker(), "w-1");
}

TEST_F(LogsVerbTest, TailIsANumberOrAll) {
  EXPECT_EQ(Run({"logs", "flights", "--tail=some"}), kUsage);
  EXPECT_EQ(error_.str(), "weir: --tail is a number of lines or all, not 'some'\n");
}

}  // namespace
}  // namespace weir::cli
