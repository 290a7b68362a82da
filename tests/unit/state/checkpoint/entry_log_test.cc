#include "state/checkpoint/entry_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/base/seeded_random.h"
#include "proto/checkpoint.pb.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir {
namespace {

using proto::JobLogEntry;
using ::testing::ElementsAre;
using Call = TestingFileSystem::Call;
using Log = EntryLog<JobLogEntry>;

JobLogEntry Named(const std::string& name) {
  JobLogEntry entry;
  entry.mutable_suspended()->set_reason(name);
  return entry;
}

class EntryLogTest : public ::testing::Test {
 protected:
  EntryLogTest() { EXPECT_TRUE(files_.MakeDirectory("/log").ok()); }

  std::unique_ptr<Log> MakeLog() {
    return std::make_unique<Log>("/log", CreateOnlyLog::Options{},
                                 CreateOnlyLog::Dependencies{files_, pool_, executor_}, random_);
  }
  void Append(Log& log, const std::string& name) {
    log.Append([name] { return Named(name); },
               [this](const absl::StatusOr<uint64_t>& result) {
                 codes_.push_back(result.status().code());
               });
  }
  JobLogEntry EntryAt(uint64_t sequence) {
    const std::string path = "/log/000000000" + std::to_string(sequence);
    JobLogEntry entry;
    EXPECT_TRUE(entry.ParseFromString(
        UnframeChecked(files_.memory.Read(path).value_or(""), path).value_or("")));
    return entry;
  }
  void PutEntry(const JobLogEntry& entry) {
    ASSERT_TRUE(
        files_.memory.Replace("/log/0000000001", FrameChecked(entry.SerializeAsString())).ok());
  }
  absl::Status Load() {
    absl::Status loaded;
    const std::unique_ptr<Log> log = MakeLog();
    log->Load([](const JobLogEntry&) { return absl::OkStatus(); },
              [&loaded](const absl::Status& status) { loaded = status; });
    executor_.RunReady();
    return loaded;
  }

  TestingFileSystem files_;
  ManualExecutor executor_;
  ManualPool pool_;
  SeededRandom random_{1};
  std::vector<absl::StatusCode> codes_;
};

TEST_F(EntryLogTest, AppendsGoOutInTheirOrder) {
  const std::unique_ptr<Log> log = MakeLog();
  Append(*log, "a");
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_EQ(EntryAt(1).suspended().reason(), "a");
  EXPECT_EQ(EntryAt(2).suspended().reason(), "b");
}

TEST_F(EntryLogTest, OneAppendIsInFlightAtATime) {
  const std::unique_ptr<Log> log = MakeLog();
  pool_.Hold();
  Append(*log, "a");
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_EQ(log->queued(), 2u);
  pool_.Release();
  executor_.RunReady();
  EXPECT_EQ(log->queued(), 0u);
}

TEST_F(EntryLogTest, EntriesCarryVersionAndSequence) {
  const std::unique_ptr<Log> log = MakeLog();
  Append(*log, "a");
  executor_.RunReady();
  EXPECT_EQ(EntryAt(1).format_version(), kLogEntryFormatVersion);
  EXPECT_EQ(EntryAt(1).sequence(), 1u);
}

TEST_F(EntryLogTest, EveryEntryHasANonceOfItsOwn) {
  const std::unique_ptr<Log> log = MakeLog();
  Append(*log, "a");
  Append(*log, "a");
  executor_.RunReady();
  EXPECT_NE(EntryAt(1).nonce(), EntryAt(2).nonce());
}

TEST_F(EntryLogTest, AnEntryIsMadeWhenItsTurnComes) {
  const std::unique_ptr<Log> log = MakeLog();
  std::string name = "early";
  Append(*log, "a");
  log->Append([&name] { return Named(name); }, [](const absl::StatusOr<uint64_t>&) {});
  name = "late";
  executor_.RunReady();
  EXPECT_EQ(EntryAt(2).suspended().reason(), "late");
}

TEST_F(EntryLogTest, DoneMayAppend) {
  const std::unique_ptr<Log> log = MakeLog();
  log->Append([] { return Named("a"); },
              [&](const absl::StatusOr<uint64_t>&) { Append(*log, "b"); });
  executor_.RunReady();
  EXPECT_EQ(EntryAt(2).suspended().reason(), "b");
}

TEST_F(EntryLogTest, WhatDoneAppendsComesBehindWhatWaited) {
  const std::unique_ptr<Log> log = MakeLog();
  log->Append([] { return Named("a"); },
              [&](const absl::StatusOr<uint64_t>&) { Append(*log, "c"); });
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_EQ(EntryAt(2).suspended().reason(), "b");
  EXPECT_EQ(EntryAt(3).suspended().reason(), "c");
}

TEST_F(EntryLogTest, DoneMayDestroyTheLog) {
  std::unique_ptr<Log> log = MakeLog();
  log->Append([] { return Named("a"); }, [&](const absl::StatusOr<uint64_t>&) { log.reset(); });
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_FALSE(files_.memory.Exists("/log/0000000002"));
}

TEST_F(EntryLogTest, AfterAStaleAppendTheQueuedOnesFail) {
  const std::unique_ptr<Log> log = MakeLog();
  PutEntry(Named("other"));
  Append(*log, "a");
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_THAT(codes_, ElementsAre(absl::StatusCode::kAborted, absl::StatusCode::kAborted));
}

TEST_F(EntryLogTest, AfterADefiniteErrorTheQueuedOnesGoOn) {
  const std::unique_ptr<Log> log = MakeLog();
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("full"), "", false, 1});
  Append(*log, "a");
  Append(*log, "b");
  executor_.RunReady();
  EXPECT_THAT(codes_, ElementsAre(absl::StatusCode::kResourceExhausted, absl::StatusCode::kOk));
}

TEST_F(EntryLogTest, AdvancingDecodesTheWinner) {
  JobLogEntry other = Named("other");
  other.set_sequence(1);
  PutEntry(other);
  std::vector<std::string> seen;
  const std::unique_ptr<Log> log = MakeLog();
  log->AppendAdvancing([] { return Named("a"); },
                       [&seen](const JobLogEntry& entry) {
                         seen.push_back(entry.suspended().reason());
                         return absl::OkStatus();
                       },
                       [](const absl::StatusOr<uint64_t>&) {});
  executor_.RunReady();
  EXPECT_THAT(seen, ElementsAre("other"));
  EXPECT_EQ(EntryAt(2).suspended().reason(), "a");
}

TEST_F(EntryLogTest, AnEntryUnderAnotherNumberIsDataLoss) {
  JobLogEntry entry = Named("a");
  entry.set_sequence(2);
  PutEntry(entry);
  EXPECT_TRUE(absl::IsDataLoss(Load()));
}

TEST_F(EntryLogTest, AnEntryOfANewerFormatIsRefused) {
  JobLogEntry entry = Named("a");
  entry.set_sequence(1);
  entry.set_format_version(kLogEntryFormatVersion + 1);
  PutEntry(entry);
  EXPECT_EQ(Load().message(), "log entry 1 has format version 2; this program reads up to 1");
}

}  // namespace
}  // namespace weir
