#include "jobmanager/checkpoint/checkpoint_coordinator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/seeded_random.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir::jobmanager {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Call = TestingFileSystem::Call;

constexpr LeaderTerm kTerm(2);
const SubtaskId kTaskA{VertexId(1), 0};
const SubtaskId kTaskB{VertexId(1), 1};

class TestingDelegate final : public CheckpointCoordinator::Delegate {
 public:
  void OnDirectiveChanged() override { ++directives_changed; }
  void OnOwned(Epoch epoch, bool final) override {
    owned.push_back(epoch.value());
    if (final) final_epoch = epoch;
  }
  void OnTooManyFailures(const std::string& last) override { too_many = last; }
  void OnCoordinatorIdle() override { ++idle; }
  std::vector<proto::SourceCoordinatorState> SourceStates() override { return sources; }

  std::vector<proto::SourceCoordinatorState> sources;
  int directives_changed = 0;
  int idle = 0;
  std::vector<uint64_t> owned;
  std::optional<Epoch> final_epoch;
  std::string too_many;
};

class CheckpointCoordinatorTest : public ::testing::Test {
 protected:
  CheckpointCoordinatorTest() {
    EXPECT_TRUE(files_.MakeDirectory("/j/log").ok());
    options_.interval = absl::Seconds(10);
    options_.timeout = absl::Seconds(60);
    log_.Append(
        [](const JobHistory&) {
          proto::JobLogEntry entry;
          entry.mutable_submitted();
          return entry;
        },
        [](const absl::Status&) {});
    executor_.RunReady();
  }

  CheckpointCoordinator& coordinator() {
    if (coordinator_ == nullptr) {
      coordinator_ = std::make_unique<CheckpointCoordinator>(
          JobId("j"), kTerm, options_,
          CheckpointCoordinator::Dependencies{clock_, executor_, pool_, random_, objects_, log_,
                                              delegate_});
    }
    return *coordinator_;
  }
  void OwnInitial() {
    coordinator().OwnInitialEpoch(Generation(1),
                                  [this](const absl::Status& why) { initial_failed_ = why; });
    executor_.RunReady();
  }
  /// Epoch 0 is owned and the tasks run.
  void StartRunning(bool transactional = false) {
    OwnInitial();
    coordinator().Start(Generation(1), {kTaskA, kTaskB}, transactional);
  }
  void Interval() { executor_.Advance(options_.interval); }

  proto::CheckpointAnswer AnswerOf(const std::vector<SubtaskId>& tasks, uint64_t epoch,
                                   const std::string& blob_prefix = "") {
    proto::CheckpointAnswer answer;
    answer.set_epoch(epoch);
    answer.set_attempt_term(kTerm.value());
    for (const SubtaskId& task : tasks) {
      proto::TaskSnapshot* snapshot = answer.add_snapshots();
      snapshot->set_vertex(task.vertex.value());
      snapshot->set_index(task.index);
      if (blob_prefix.empty()) continue;
      const std::string blob = blob_prefix + std::to_string(task.index);
      snapshot->add_operators()->mutable_state()->set_blob(blob);
      files_.memory.MakeDirectory("/j").IgnoreError();
      files_.memory.Replace("/j/" + blob, "state").IgnoreError();
    }
    return answer;
  }
  void AnswerAll(uint64_t epoch, const std::string& blob_prefix = "") {
    coordinator().OnAnswer(AnswerOf({kTaskA, kTaskB}, epoch, blob_prefix));
    executor_.RunReady();
  }
  void Decline(uint64_t epoch) {
    proto::CheckpointAnswer answer = AnswerOf({}, epoch);
    answer.set_declined("sink is closed");
    coordinator().OnAnswer(answer);
    executor_.RunReady();
  }
  /// One whole checkpoint.
  void Complete(uint64_t epoch, const std::string& blob_prefix = "") {
    Interval();
    AnswerAll(epoch, blob_prefix);
  }
  std::optional<uint64_t> pending() {
    if (coordinator().pending() == nullptr) return std::nullopt;
    return coordinator().pending()->epoch().value();
  }

  std::vector<proto::JobLogEntry> Entries() {
    std::vector<proto::JobLogEntry> entries;
    for (const std::string& path : files_.memory.Paths()) {
      if (!absl::StrContains(path, "/log/")) continue;
      entries.emplace_back();
      EXPECT_TRUE(entries.back().ParseFromString(
          UnframeChecked(files_.memory.Read(path).value(), path).value()));
    }
    return entries;
  }
  proto::JobLogEntry LastEntry() { return Entries().back(); }
  int CountOf(proto::JobLogEntry::KindCase kind) {
    int count = 0;
    for (const proto::JobLogEntry& entry : Entries()) count += entry.kind_case() == kind;
    return count;
  }
  /// The next try to append to the log comes to this.
  void FailAppend(absl::Status status, bool takes_effect = false, int times = 1) {
    files_.Inject({Call::kCreate, std::move(status), "/log/", takes_effect, times});
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StateObjectStore objects_{files_, "/j"};
  absl::Status stale_;
  JobLog log_{"/j/log", kTerm, {files_, pool_, executor_}, random_,
              [this](const absl::Status& why) { stale_ = why; }};
  TestingDelegate delegate_;
  CheckpointOptions options_;
  std::unique_ptr<CheckpointCoordinator> coordinator_;
  absl::Status initial_failed_;
};

// Epoch 0

TEST_F(CheckpointCoordinatorTest, NothingIsPermittedBeforeAnEpochIsOwned) {
  EXPECT_FALSE(coordinator().permitted().has_value());
}

TEST_F(CheckpointCoordinatorTest, EpochZeroIsOwnedByItsEntry) {
  OwnInitial();
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
  EXPECT_EQ(LastEntry().checkpoint().epoch(), 0u);
}

TEST_F(CheckpointCoordinatorTest, EpochZeroHoldsTheStartingPositions) {
  delegate_.sources.emplace_back().add_splits()->set_id("flights-0");
  OwnInitial();
  EXPECT_EQ(LastEntry().checkpoint().manifest().coordinators(0).splits(0).id(), "flights-0");
}

TEST_F(CheckpointCoordinatorTest, EpochZeroAwaitsNoReceipt) {
  OwnInitial();
  EXPECT_FALSE(log_.history().AwaitsReceipt(Epoch(0)));
}

TEST_F(CheckpointCoordinatorTest, AFailureOfEpochZeroIsTold) {
  FailAppend(absl::ResourceExhaustedError("full"));
  OwnInitial();
  EXPECT_EQ(initial_failed_, absl::ResourceExhaustedError("full"));
}

TEST_F(CheckpointCoordinatorTest, TheNextTryOfAFailedEpochZeroHasANumberOfItsOwn) {
  FailAppend(absl::ResourceExhaustedError("full"));
  OwnInitial();
  coordinator().Stop("the generation failed");
  OwnInitial();
  EXPECT_THAT(delegate_.owned, ElementsAre(1u));
}

// Triggers

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredBeforeTheInterval) {
  StartRunning();
  executor_.Advance(options_.interval - absl::Milliseconds(1));
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, TheFirstTriggerComesAfterTheInterval) {
  StartRunning();
  Interval();
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, WorkersAreToldOfATrigger) {
  StartRunning();
  const int before = delegate_.directives_changed;
  Interval();
  EXPECT_EQ(delegate_.directives_changed, before + 1);
}

TEST_F(CheckpointCoordinatorTest, TheIntervalRunsFromTriggerToTrigger) {
  StartRunning();
  Interval();
  executor_.Advance(absl::Seconds(4));
  AnswerAll(1);
  executor_.Advance(absl::Seconds(6));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AMinimalPauseFollowsAnEnd) {
  options_.min_pause = absl::Seconds(8);
  StartRunning();
  Interval();
  executor_.Advance(absl::Seconds(4));
  AnswerAll(1);
  executor_.Advance(absl::Seconds(8) - absl::Milliseconds(1));
  EXPECT_FALSE(pending().has_value());
  executor_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, OneAttemptIsPendingAtATime) {
  StartRunning();
  executor_.Advance(3 * options_.interval);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredWhileStopped) {
  StartRunning();
  coordinator().Stop("the generation failed");
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

// Answers

TEST_F(CheckpointCoordinatorTest, SomeAnswersOwnNothing) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1));
  executor_.RunReady();
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
}

TEST_F(CheckpointCoordinatorTest, AllAnswersOwnTheEpoch) {
  StartRunning();
  Complete(1);
  EXPECT_THAT(delegate_.owned, ElementsAre(0u, 1u));
}

TEST_F(CheckpointCoordinatorTest, AnOwnedEpochIsPermitted) {
  StartRunning();
  Complete(1);
  EXPECT_EQ(coordinator().permitted(), Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, AnAnswerForAnotherLeadersAttemptDoesNotCount) {
  StartRunning();
  Interval();
  proto::CheckpointAnswer answer = AnswerOf({kTaskA, kTaskB}, 1);
  answer.set_attempt_term(kTerm.value() - 1);
  coordinator().OnAnswer(answer);
  executor_.RunReady();
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, AnAnswerForAnotherEpochDoesNotCount) {
  StartRunning();
  Interval();
  AnswerAll(7);
  EXPECT_EQ(pending(), 1u);
}

TEST_F(CheckpointCoordinatorTest, ASmallManifestIsInlined) {
  StartRunning();
  Complete(1);
  EXPECT_THAT(LastEntry().checkpoint().manifest().tasks(), SizeIs(2));
}

TEST_F(CheckpointCoordinatorTest, ALargeManifestIsAnObject) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Complete(1);
  const proto::CheckpointOwned owned = LastEntry().checkpoint();
  EXPECT_FALSE(owned.has_manifest());
  EXPECT_THAT(objects_.ReadManifest(owned)->tasks(), SizeIs(2));
}

// Failures

TEST_F(CheckpointCoordinatorTest, ADeclinedAttemptIsAborted) {
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_EQ(LastEntry().aborted().epoch(), 1u);
  EXPECT_EQ(LastEntry().aborted().reason(), "sink is closed");
}

TEST_F(CheckpointCoordinatorTest, AFailedEpochIsToldToTheWorkers) {
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_THAT(coordinator().failed_epochs(), ElementsAre(Epoch(1)));
}

TEST_F(CheckpointCoordinatorTest, AFailedEpochIsNotTriedAgainUnderItsNumber) {
  StartRunning();
  Interval();
  Decline(1);
  Interval();
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AnAttemptTimesOut) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1));
  executor_.Advance(options_.timeout);
  EXPECT_EQ(LastEntry().aborted().reason(), "timed out after 1m: 1 tasks have not answered");
}

TEST_F(CheckpointCoordinatorTest, AnAttemptThatIsCompleteDoesNotTimeOut) {
  options_.interval = absl::Hours(1);
  StartRunning();
  Complete(1);
  executor_.Advance(options_.timeout);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kAborted), 0);
}

TEST_F(CheckpointCoordinatorTest, AnAppendThatFailedForCertainFailsTheAttempt) {
  StartRunning();
  Interval();
  FailAppend(absl::ResourceExhaustedError("full"));
  AnswerAll(1);
  EXPECT_EQ(LastEntry().aborted().reason(), "cannot be written: full");
  EXPECT_THAT(delegate_.owned, ElementsAre(0u));
}

TEST_F(CheckpointCoordinatorTest, AManifestThatCannotBeWrittenFailsTheAttempt) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Interval();
  files_.Inject({Call::kCreate, absl::ResourceExhaustedError("full"), "/manifests/", false, 1});
  AnswerAll(1);
  EXPECT_EQ(LastEntry().aborted().reason(), "cannot be written: full");
}

TEST_F(CheckpointCoordinatorTest, AnAbortedEntryNamesTheManifestThatWasWritten) {
  options_.manifest_inline_max_bytes = 1;
  StartRunning();
  Interval();
  FailAppend(absl::ResourceExhaustedError("full"));
  AnswerAll(1);
  ASSERT_THAT(LastEntry().aborted().objects(), SizeIs(1));
  EXPECT_THAT(LastEntry().aborted().objects(0), HasSubstr("manifests/1-"));
}

TEST_F(CheckpointCoordinatorTest, StopFailsThePendingAttempt) {
  StartRunning();
  Interval();
  coordinator().Stop("the generation failed");
  executor_.RunReady();
  EXPECT_EQ(LastEntry().aborted().reason(), "the generation failed");
}

TEST_F(CheckpointCoordinatorTest, TolerableFailuresDoNotFailTheJob) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  EXPECT_EQ(delegate_.too_many, "");
}

TEST_F(CheckpointCoordinatorTest, OneFailureMoreThanTolerableFailsTheJob) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  Interval();
  Decline(2);
  EXPECT_EQ(delegate_.too_many, "sink is closed");
}

TEST_F(CheckpointCoordinatorTest, ASuccessStartsTheCountOfFailuresAnew) {
  options_.tolerable_failures = 1;
  StartRunning();
  Interval();
  Decline(1);
  Complete(2);
  Interval();
  Decline(3);
  EXPECT_EQ(delegate_.too_many, "");
}

TEST_F(CheckpointCoordinatorTest, WithoutALimitAnyNumberMayFail) {
  StartRunning();
  for (uint64_t epoch = 1; epoch <= 20; ++epoch) {
    Interval();
    Decline(epoch);
  }
  EXPECT_EQ(delegate_.too_many, "");
}

// Deletion

TEST_F(CheckpointCoordinatorTest, BlobsOfAFailedAttemptAreNamedThenDeleted) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  Decline(1);
  EXPECT_THAT(LastEntry().aborted().objects(), ElementsAre("blob-0"));
  EXPECT_FALSE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedBeforeTheAbortedEntryCounts) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  FailAppend(absl::UnavailableError("gone"), false, 1000);
  Decline(1);
  executor_.Advance(absl::Seconds(1));
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedWhenTheAbortedEntryFailed) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  FailAppend(absl::ResourceExhaustedError("full"));
  Decline(1);
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, BlobsOfALateAnswerAreNamedThenDeleted) {
  StartRunning();
  Interval();
  Decline(1);
  coordinator().OnAnswer(AnswerOf({kTaskB}, 1, "late-"));
  executor_.RunReady();
  EXPECT_THAT(LastEntry().aborted().objects(), ElementsAre("late-1"));
  EXPECT_FALSE(files_.memory.Exists("/j/late-1"));
}

TEST_F(CheckpointCoordinatorTest, ARepeatedLateAnswerIsNamedOnce) {
  StartRunning();
  Interval();
  Decline(1);
  const proto::CheckpointAnswer late = AnswerOf({kTaskB}, 1, "late-");
  coordinator().OnAnswer(late);
  coordinator().OnAnswer(late);
  executor_.RunReady();
  EXPECT_EQ(CountOf(proto::JobLogEntry::kAborted), 2);
}

TEST_F(CheckpointCoordinatorTest, ALateAnswerOfAnOwnedEpochDeletesNothing) {
  StartRunning();
  Complete(1, "blob-");
  AnswerAll(1, "blob-");
  EXPECT_TRUE(files_.memory.Exists("/j/blob-0"));
}

TEST_F(CheckpointCoordinatorTest, KeepsTheRetainedEpochs) {
  options_.retained = 2;
  StartRunning();
  Complete(1);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kRetired), 0);
}

TEST_F(CheckpointCoordinatorTest, RetiresTheOldestEpochBeyondThem) {
  options_.retained = 2;
  StartRunning();
  Complete(1);
  Complete(2);
  EXPECT_EQ(LastEntry().retired().epoch(), 0u);
}

TEST_F(CheckpointCoordinatorTest, ARetiredEpochsObjectsAreDeleted) {
  options_.retained = 1;
  StartRunning();
  Complete(1, "one-");
  Complete(2, "two-");
  EXPECT_FALSE(files_.memory.Exists("/j/one-0"));
  EXPECT_TRUE(files_.memory.Exists("/j/two-0"));
}

TEST_F(CheckpointCoordinatorTest, NothingIsDeletedBeforeTheRetiredEntryCounts) {
  options_.retained = 1;
  StartRunning();
  Complete(1, "one-");
  Interval();
  pool_.Hold();
  AnswerAll(2);
  EXPECT_TRUE(files_.memory.Exists("/j/one-0"));
  pool_.Release();
  executor_.RunReady();
  EXPECT_FALSE(files_.memory.Exists("/j/one-0"));
}

TEST_F(CheckpointCoordinatorTest, ANewLeaderDeletesAgainWhatItsPredecessorNamed) {
  StartRunning();
  Interval();
  coordinator().OnAnswer(AnswerOf({kTaskA}, 1, "blob-"));
  files_.Inject({Call::kRemove, absl::UnavailableError("gone"), "", false, 1});
  Decline(1);
  ASSERT_TRUE(files_.memory.Exists("/j/blob-0"));

  JobLog next("/j/log", kTerm.Next(), {files_, pool_, executor_}, random_,
              [](const absl::Status&) {});
  proto::Term term;
  term.set_number(kTerm.Next().value());
  next.Load([&](const absl::Status&) { next.TakeOver(term, [](const absl::Status&) {}); });
  executor_.RunReady();
  CheckpointCoordinator successor(
      JobId("j"), kTerm.Next(), options_,
      {clock_, executor_, pool_, random_, objects_, next, delegate_});
  successor.DeleteDoomed();
  EXPECT_FALSE(files_.memory.Exists("/j/blob-0"));
}

// Commits and receipts

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredWhileATransactionalEpochIsUncommitted) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, ItIsTriggeredAgainOnceTheEpochIsCommitted) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  Interval();
  coordinator().OnCommitted(Epoch(1));
  executor_.RunReady();
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, AReceiptRidesOnTheNextEntry) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().OnCommitted(Epoch(1));
  Interval();
  AnswerAll(2);
  EXPECT_EQ(LastEntry().checkpoint().epoch(), 2u);
  EXPECT_EQ(LastEntry().committed_through(), 1u);
}

TEST_F(CheckpointCoordinatorTest, AReceiptGetsAnEntryOfItsOwnAfterOneInterval) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().OnCommitted(Epoch(1));
  Interval();
  EXPECT_EQ(LastEntry().committed().epoch(), 1u);
  EXPECT_EQ(log_.history().committed_through(), Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, AReceiptThatRodeGetsNoEntryOfItsOwn) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  executor_.Advance(options_.interval - absl::Seconds(1));
  coordinator().OnCommitted(Epoch(1));
  executor_.Advance(absl::Seconds(1));
  AnswerAll(2);
  executor_.Advance(options_.interval);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kCommitted), 0);
}

TEST_F(CheckpointCoordinatorTest, AnEpochIsRetiredOnlyAfterItsReceipt) {
  options_.retained = 1;
  StartRunning(/*transactional=*/true);
  Complete(1);
  ASSERT_EQ(CountOf(proto::JobLogEntry::kRetired), 1);  // epoch 0 awaits none
  coordinator().OnCommitted(Epoch(1));
  FailAppend(absl::UnavailableError("gone"), false, 1);
  Complete(2);
  EXPECT_EQ(CountOf(proto::JobLogEntry::kRetired), 1);
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(LastEntry().retired().epoch(), 1u);
}

// Unknown outcome

TEST_F(CheckpointCoordinatorTest, AnAppendOfUnknownOutcomeOwnsNothing) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), true, 1000);
  AnswerAll(1);
  executor_.Advance(absl::Seconds(1));
  EXPECT_EQ(coordinator().permitted(), Epoch(0));
}

TEST_F(CheckpointCoordinatorTest, NothingIsTriggeredUntilAnUnknownOutcomeIsDecided) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), false, 1000);
  AnswerAll(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
  EXPECT_TRUE(coordinator().busy());
}

TEST_F(CheckpointCoordinatorTest, AnUnknownOutcomeThatWasDecidedOwnsTheEpoch) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"), true);
  AnswerAll(1);
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_THAT(delegate_.owned, ElementsAre(0u, 1u));
}

TEST_F(CheckpointCoordinatorTest, StopDoesNotTakeBackAnEntryOnItsWay) {
  StartRunning();
  Interval();
  FailAppend(absl::UnavailableError("gone"));
  AnswerAll(1);
  coordinator().Stop("the generation failed");
  EXPECT_TRUE(coordinator().busy());
  executor_.Advance(absl::Milliseconds(50));
  EXPECT_EQ(log_.history().newest_owned()->checkpoint.epoch(), 1u);
  EXPECT_FALSE(coordinator().busy());
}

TEST_F(CheckpointCoordinatorTest, AStaleLeaderOwnsNothingAndAnswersNothing) {
  StartRunning();
  Interval();
  ASSERT_TRUE(files_.memory.Replace("/j/log/0000000003", FrameChecked("other")).ok());
  AnswerAll(1);
  EXPECT_TRUE(absl::IsAborted(stale_));
  EXPECT_THAT(delegate_.owned, Not(Contains(1u)));
}

// The final checkpoint

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointIsTriggeredAtOnce) {
  StartRunning();
  coordinator().RequestFinal();
  ASSERT_EQ(pending(), 1u);
  EXPECT_TRUE(coordinator().pending()->final());
}

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointWaitsForThePendingOne) {
  StartRunning();
  Interval();
  coordinator().RequestFinal();
  EXPECT_FALSE(coordinator().pending()->final());
  AnswerAll(1);
  ASSERT_EQ(pending(), 2u);
  EXPECT_TRUE(coordinator().pending()->final());
}

TEST_F(CheckpointCoordinatorTest, TheFinalCheckpointWaitsForTheReceipt) {
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().RequestFinal();
  EXPECT_FALSE(pending().has_value());
  coordinator().OnCommitted(Epoch(1));
  EXPECT_EQ(pending(), 2u);
}

TEST_F(CheckpointCoordinatorTest, TheFinalEpochSaysSoInItsEntry) {
  StartRunning();
  coordinator().RequestFinal();
  AnswerAll(1);
  EXPECT_TRUE(LastEntry().checkpoint().final());
  EXPECT_EQ(delegate_.final_epoch, Epoch(1));
}

TEST_F(CheckpointCoordinatorTest, NothingFollowsTheFinalCheckpoint) {
  StartRunning();
  coordinator().RequestFinal();
  AnswerAll(1);
  executor_.Advance(3 * options_.interval);
  EXPECT_FALSE(pending().has_value());
}

TEST_F(CheckpointCoordinatorTest, AFailedFinalCheckpointIsTriedAgainAfterOneInterval) {
  StartRunning();
  coordinator().RequestFinal();
  Decline(1);
  EXPECT_FALSE(pending().has_value());
  Interval();
  ASSERT_EQ(pending(), 2u);
  EXPECT_TRUE(coordinator().pending()->final());
}

TEST_F(CheckpointCoordinatorTest, NothingIsAppendedOnceItIsClosed) {
  options_.retained = 1;
  StartRunning(/*transactional=*/true);
  Complete(1);
  coordinator().Close("the job ends");
  const size_t before = Entries().size();
  coordinator().OnCommitted(Epoch(1));
  executor_.Advance(3 * options_.interval);
  EXPECT_THAT(Entries(), SizeIs(before));
}

}  // namespace
}  // namespace weir::jobmanager
