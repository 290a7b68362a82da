#include "taskmanager/agent/worker_logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

#include "tests/support/temporary_directory.h"

namespace weir::taskmanager {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class WorkerLogsTest : public testing::Test {
 protected:
  WorkerLogsTest() {
    request_.set_job("j");
    request_.set_max_bytes(1 << 20);
  }
  // Later calls write younger files.
  void Write(const std::string& worker, const std::string& text) {
    const std::string path = directory_.File(worker + ".log");
    std::ofstream(path, std::ios::binary) << text;
    std::filesystem::last_write_time(
        path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(100 - ++written_));
  }
  std::vector<proto::WorkerLog> Read() { return ReadLogFiles(directory_.path(), request_, known_); }
  std::string Tail(const std::string& text, uint32_t lines) {
    Write("w-1", text);
    request_.set_tail_lines(lines);
    return Read().at(0).data();
  }

  TemporaryDirectory directory_;
  proto::ReadWorkerLogs request_;
  KnownWorkers known_;
  int written_ = 0;
};

TEST_F(WorkerLogsTest, TheYoungestIsLastAndTheLivingBehindIt) {
  Write("w-alive", "a");
  Write("w-old", "b");
  Write("w-young", "c");
  known_.alive = {"w-alive"};
  known_.endings["w-young"] = "killed by signal 9 (SIGKILL)";
  std::vector<std::string> heads;
  for (const proto::WorkerLog& log : Read()) {
    heads.push_back(absl::StrCat(log.worker(), ": ", log.alive() ? "alive" : log.ending()));
  }
  EXPECT_THAT(heads, ElementsAre("w-old: ended before its TaskManager was started the last time",
                                 "w-young: killed by signal 9 (SIGKILL)", "w-alive: alive"));
}

TEST_F(WorkerLogsTest, TheLastLines) {
  EXPECT_EQ(Tail("one\ntwo\nthree\n", 2), "two\nthree\n");
  EXPECT_EQ(Tail("one\ntwo\nthree\n", 3), "one\ntwo\nthree\n");
  EXPECT_EQ(Tail("one\ntwo\nthree\n", 9), "one\ntwo\nthree\n");
  EXPECT_EQ(Tail("one\ntwo\nunfinished", 2), "two\nunfinished");
  EXPECT_EQ(Tail("one\n\n\n", 2), "\n\n");
  EXPECT_EQ(Tail("", 2), "");
  EXPECT_EQ(Tail("one\ntwo\n", 0), "one\ntwo\n") << "all";
}

TEST_F(WorkerLogsTest, TheLastLinesOfALongLog) {
  std::string text;
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&text, "line ", i, "\n");
  std::string expected;
  for (int i = 30'000; i < 50'000; ++i) absl::StrAppend(&expected, "line ", i, "\n");
  EXPECT_EQ(Tail(text, 20'000), expected);
}

TEST_F(WorkerLogsTest, WhatIsBehindAPosition) {
  Write("w-1", "0123456789");
  proto::WorkerLogPosition* position = request_.add_positions();
  position->set_worker("w-1");
  position->set_offset(7);
  request_.set_tail_lines(1);
  EXPECT_EQ(Read()[0].data(), "789");
  position->set_offset(70);
  EXPECT_EQ(Read()[0].data(), "");
  EXPECT_EQ(Read()[0].offset(), 10u);
}

TEST_F(WorkerLogsTest, FilesShareTheBytes) {
  Write("w-1", "0123456789");
  Write("w-2", "0123456789");
  request_.set_max_bytes(8);
  EXPECT_EQ(Read()[0].data(), "0123");
  EXPECT_EQ(Read()[1].size_bytes(), 10u);
  request_.set_worker("w-2");
  ASSERT_EQ(Read().size(), 1u);
  EXPECT_EQ(Read()[0].data(), "01234567");
}

TEST_F(WorkerLogsTest, WithoutADirectoryThereAreNone) {
  EXPECT_THAT(ReadLogFiles(directory_.File("no-such-job"), request_, known_), IsEmpty());
}

TEST_F(WorkerLogsTest, OnlyTheYoungestOfTheEndedStay) {
  for (const char* worker : {"w-1", "w-2", "w-3", "w-4"}) Write(worker, "x");
  RemoveOldLogs(directory_.path(), 2, {"w-1.log"});
  std::vector<std::string> left;
  for (const proto::WorkerLog& log : Read()) left.push_back(log.worker());
  EXPECT_THAT(left, ElementsAre("w-1", "w-3", "w-4"));
}

}  // namespace
}  // namespace weir::taskmanager
