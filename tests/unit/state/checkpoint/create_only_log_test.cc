#include "state/checkpoint/create_only_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;
using WhenTaken = CreateOnlyLog::WhenTaken;

constexpr absl::Duration kPause = absl::Milliseconds(50);

class CreateOnlyLogTest : public ::testing::Test {
 protected:
  CreateOnlyLogTest() { EXPECT_TRUE(files_.MakeDirectory("/log").ok()); }

  CreateOnlyLog MakeLog() { return CreateOnlyLog("/log", {kPause}, {files_, pool_, executor_}); }
  void Append(CreateOnlyLog& log, const std::string& payload, WhenTaken when = WhenTaken::kStop) {
    result_.reset();
    log.Append([payload](uint64_t sequence) { return payload + "@" + std::to_string(sequence); },
               when,
               [this](uint64_t sequence, const std::string& other) {
                 seen_.emplace_back(sequence, other);
                 return observed_;
               },
               [this](absl::StatusOr<uint64_t> result) { result_ = std::move(result); });
    executor_.RunReady();
  }
  absl::Status Load(CreateOnlyLog& log) {
    absl::Status loaded = absl::UnknownError("not done");
    log.Load(
        [this](uint64_t sequence, const std::string& payload) {
          seen_.emplace_back(sequence, payload);
          return observed_;
        },
        [&loaded](const absl::Status& status) { loaded = status; });
    executor_.Advance(kPause);
    return loaded;
  }
  void PutEntry(uint64_t sequence, const std::string& payload) {
    const std::string path = MakeLog().EntryPath(sequence);
    ASSERT_TRUE(files_.memory.Replace(path, FrameChecked(payload)).ok());
  }
  std::string EntryOf(uint64_t sequence) {
    return UnframeChecked(files_.memory.Read(MakeLog().EntryPath(sequence)).value_or(""), "")
        .value_or("");
  }
  void Fail(Call call, absl::Status status, bool takes_effect = false, int times = 1) {
    files_.Inject({call, std::move(status), "/log/", takes_effect, times});
  }

  TestingFileSystem files_;
  ManualExecutor executor_;
  ManualPool pool_;
  std::optional<absl::StatusOr<uint64_t>> result_;
  std::vector<std::pair<uint64_t, std::string>> seen_;
  absl::Status observed_;
};

// Append

TEST_F(CreateOnlyLogTest, EntriesAreNumberedFromOne) {
  CreateOnlyLog log = MakeLog();
  Append(log, "a");
  EXPECT_EQ(result_->value(), 1u);
  EXPECT_EQ(EntryOf(1), "a@1");
}

TEST_F(CreateOnlyLogTest, EntriesFollowWithoutGaps) {
  CreateOnlyLog log = MakeLog();
  Append(log, "a");
  Append(log, "b");
  EXPECT_EQ(log.head(), 2u);
  EXPECT_EQ(EntryOf(2), "b@2");
}

TEST_F(CreateOnlyLogTest, AnEntryIsNamedWithTenDigits) {
  EXPECT_EQ(MakeLog().EntryPath(12), "/log/0000000012");
}

TEST_F(CreateOnlyLogTest, AnUnknownOutcomeIsNotReported) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"));
  Append(log, "a");
  EXPECT_FALSE(result_.has_value());
  EXPECT_TRUE(log.appending());
}

TEST_F(CreateOnlyLogTest, AnUnknownOutcomeWithoutEffectIsTriedAgain) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"));
  Append(log, "a");
  executor_.Advance(kPause);
  EXPECT_EQ(result_->value(), 1u);
}

TEST_F(CreateOnlyLogTest, AnUnknownOutcomeWithEffectCountsOnce) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"), true);
  Append(log, "a");
  executor_.Advance(kPause);
  EXPECT_EQ(result_->value(), 1u);
  EXPECT_THAT(files_.memory.Paths(), SizeIs(1));
}

TEST_F(CreateOnlyLogTest, ARetryWritesTheSameBytes) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::DeadlineExceededError("late"), false, 2);
  Append(log, "a");
  executor_.Advance(2 * kPause);
  ASSERT_THAT(files_.created, SizeIs(3));
  EXPECT_EQ(files_.created[0], files_.created[2]);
}

TEST_F(CreateOnlyLogTest, AnEarlierTryThatLandsLateCounts) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"));
  Append(log, "a");
  ASSERT_TRUE(files_.memory.Replace(files_.created[0].first, files_.created[0].second).ok());
  executor_.Advance(kPause);
  EXPECT_EQ(result_->value(), 1u);
}

TEST_F(CreateOnlyLogTest, ADefiniteErrorDoesNotDecideAnEarlierTryInDoubt) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"));
  Fail(Call::kCreate, absl::ResourceExhaustedError("full"));
  Append(log, "a");
  executor_.Advance(kPause);
  EXPECT_FALSE(result_.has_value());
}

TEST_F(CreateOnlyLogTest, ADefiniteErrorIsReported) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::ResourceExhaustedError("full"));
  Append(log, "a");
  EXPECT_EQ(result_->status(), absl::ResourceExhaustedError("full"));
}

TEST_F(CreateOnlyLogTest, ADefiniteErrorLeavesTheLogUsable) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::ResourceExhaustedError("full"));
  Append(log, "a");
  Append(log, "b");
  EXPECT_EQ(result_->value(), 1u);
  EXPECT_EQ(EntryOf(1), "b@1");
}

TEST_F(CreateOnlyLogTest, ATakenNumberMakesTheWriterStale) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Append(log, "a");
  EXPECT_TRUE(absl::IsAborted(result_->status()));
  EXPECT_TRUE(log.stale());
}

TEST_F(CreateOnlyLogTest, AStaleAppendNamesTheEntry) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Append(log, "a");
  EXPECT_THAT(std::string(result_->status().message()), HasSubstr("/log/0000000001"));
}

TEST_F(CreateOnlyLogTest, AStaleWriterLeavesTheWinnersEntry) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Append(log, "a");
  EXPECT_EQ(EntryOf(1), "other");
}

TEST_F(CreateOnlyLogTest, AStaleWriterTouchesNothingAnyMore) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Append(log, "a");
  Append(log, "b");
  EXPECT_TRUE(absl::IsAborted(result_->status()));
  EXPECT_THAT(files_.created, SizeIs(1));
}

TEST_F(CreateOnlyLogTest, AnotherWriterWinsWhileTheOutcomeIsInDoubt) {
  CreateOnlyLog log = MakeLog();
  Fail(Call::kCreate, absl::UnavailableError("gone"));
  Append(log, "a");
  PutEntry(1, "other");
  executor_.Advance(kPause);
  EXPECT_TRUE(absl::IsAborted(result_->status()));
}

TEST_F(CreateOnlyLogTest, AWinnerThatCannotBeReadNowIsReadAgain) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Fail(Call::kRead, absl::UnavailableError("gone"));
  Append(log, "a");
  EXPECT_FALSE(result_.has_value());
  executor_.Advance(kPause);
  EXPECT_TRUE(absl::IsAborted(result_->status()));
}

TEST_F(CreateOnlyLogTest, AMissingEntryBeforeItMakesTheWriterStale) {
  CreateOnlyLog log = MakeLog();
  Append(log, "a");
  ASSERT_TRUE(files_.memory.Remove(log.EntryPath(1)).ok());
  Append(log, "b");
  EXPECT_TRUE(absl::IsAborted(result_->status()));
  EXPECT_EQ(log.head(), 1u);
}

TEST_F(CreateOnlyLogTest, AReplacedEntryBeforeItMakesTheWriterStale) {
  CreateOnlyLog log = MakeLog();
  Append(log, "a");
  PutEntry(1, "other");
  Append(log, "b");
  EXPECT_TRUE(absl::IsAborted(result_->status()));
}

TEST_F(CreateOnlyLogTest, AReadBackOfUnknownOutcomeIsRepeated) {
  CreateOnlyLog log = MakeLog();
  Append(log, "a");
  Fail(Call::kRead, absl::UnavailableError("gone"));
  Append(log, "b");
  EXPECT_FALSE(result_.has_value());
  executor_.Advance(kPause);
  EXPECT_EQ(result_->value(), 2u);
}

TEST_F(CreateOnlyLogTest, NoCallbackComesOnceTheLogIsGone) {
  {
    CreateOnlyLog log = MakeLog();
    Fail(Call::kCreate, absl::UnavailableError("gone"));
    Append(log, "a");
  }
  executor_.Advance(kPause);
  EXPECT_FALSE(result_.has_value());
}

// Append behind others

TEST_F(CreateOnlyLogTest, AdvancingReadsTheWinner) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  Append(log, "a", WhenTaken::kAdvance);
  EXPECT_THAT(seen_, ElementsAre(Pair(1u, "other")));
}

TEST_F(CreateOnlyLogTest, AdvancingAppendsBehindTheWinner) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  PutEntry(2, "another");
  Append(log, "a", WhenTaken::kAdvance);
  EXPECT_EQ(result_->value(), 3u);
  EXPECT_EQ(EntryOf(3), "a@3");
}

TEST_F(CreateOnlyLogTest, AnObserverMayRefuseToAdvance) {
  CreateOnlyLog log = MakeLog();
  PutEntry(1, "other");
  observed_ = absl::AbortedError("a newer leader");
  Append(log, "a", WhenTaken::kAdvance);
  EXPECT_TRUE(absl::IsAborted(result_->status()));
  EXPECT_TRUE(log.stale());
}

TEST_F(CreateOnlyLogTest, ACorruptWinnerIsNotAdvancedOver) {
  CreateOnlyLog log = MakeLog();
  ASSERT_TRUE(files_.memory.Replace(log.EntryPath(1), "garbage").ok());
  Append(log, "a", WhenTaken::kAdvance);
  EXPECT_TRUE(absl::IsAborted(result_->status()));
}

// Load

TEST_F(CreateOnlyLogTest, LoadingAnEmptyLogFindsNothing) {
  CreateOnlyLog log = MakeLog();
  EXPECT_EQ(Load(log), absl::OkStatus());
  EXPECT_THAT(seen_, IsEmpty());
}

TEST_F(CreateOnlyLogTest, LoadReadsEntriesInOrderUpToTheFirstAbsentOne) {
  PutEntry(1, "a");
  PutEntry(2, "b");
  PutEntry(4, "d");
  CreateOnlyLog log = MakeLog();
  ASSERT_TRUE(Load(log).ok());
  EXPECT_THAT(seen_, ElementsAre(Pair(1u, "a"), Pair(2u, "b")));
}

TEST_F(CreateOnlyLogTest, AnAppendGoesBehindWhatWasLoaded) {
  PutEntry(1, "a");
  CreateOnlyLog log = MakeLog();
  ASSERT_TRUE(Load(log).ok());
  Append(log, "b");
  EXPECT_EQ(result_->value(), 2u);
}

TEST_F(CreateOnlyLogTest, ACorruptEntryIsNamedByLoad) {
  ASSERT_TRUE(files_.memory.Replace("/log/0000000001", "garbage\n").ok());
  CreateOnlyLog log = MakeLog();
  const absl::Status loaded = Load(log);
  EXPECT_TRUE(absl::IsDataLoss(loaded));
  EXPECT_THAT(std::string(loaded.message()), HasSubstr("/log/0000000001"));
}

TEST_F(CreateOnlyLogTest, LoadTriesAgainWhenStorageDoesNotAnswer) {
  PutEntry(1, "a");
  Fail(Call::kRead, absl::UnavailableError("gone"));
  CreateOnlyLog log = MakeLog();
  EXPECT_EQ(Load(log), absl::OkStatus());
  EXPECT_EQ(log.head(), 1u);
}

TEST_F(CreateOnlyLogTest, LoadEndsWithTheObserversError) {
  PutEntry(1, "a");
  observed_ = absl::DataLossError("rule broken");
  CreateOnlyLog log = MakeLog();
  EXPECT_EQ(Load(log), absl::DataLossError("rule broken"));
}

}  // namespace
}  // namespace weir
