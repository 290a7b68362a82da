#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/seeded_random.h"
#include "jobmanager/checkpoint/checkpoint_coordinator.h"
#include "state/checkpoint/checked_file.h"
#include "tests/support/manual_executor.h"
#include "tests/support/testing_file_system.h"

namespace weir::jobmanager {

inline constexpr LeaderTerm kTerm(2);
inline const SubtaskId kTaskA{VertexId(1), 0};
inline const SubtaskId kTaskB{VertexId(1), 1};

/// Remembers what the coordinator told its owner.
class TestingDelegate final : public CheckpointCoordinator::Delegate {
 public:
  void OnDirectiveChanged() override { ++directives_changed; }
  void OnCheckpointEnded(const proto::CheckpointDetails& checkpoint) override {
    ended.push_back(checkpoint);
  }
  void OnOwned(Epoch epoch, bool final) override {
    owned.push_back(epoch.value());
    if (final) final_epoch = epoch;
  }
  void OnTooManyFailures(const std::string& last) override { too_many = last; }
  void OnCoordinatorIdle() override { ++idle; }
  std::vector<proto::SourceCoordinatorState> SourceStates() override { return sources; }
  std::vector<proto::SinkCoordinatorState> SinkStates() override { return sinks; }

  std::vector<proto::SourceCoordinatorState> sources;
  std::vector<proto::SinkCoordinatorState> sinks;
  int directives_changed = 0;
  int idle = 0;
  std::vector<uint64_t> owned;
  std::optional<Epoch> final_epoch;
  std::string too_many;
  std::vector<proto::CheckpointDetails> ended;
};

/// A coordinator of two tasks with the log and the storage of the test, in virtual time.
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
    files_.Inject(
        {TestingFileSystem::Call::kCreate, std::move(status), "/log/", takes_effect, times});
  }

  ManualExecutor executor_;
  ManualClock clock_{executor_};
  ManualPool pool_;
  SeededRandom random_{1};
  TestingFileSystem files_;
  StateObjectStore objects_{files_, "/j"};
  absl::Status stale_;
  JobLog log_{
      "/j/log", kTerm, {files_, pool_, executor_}, random_, [this](const absl::Status& why) {
        stale_ = why;
      }};
  TestingDelegate delegate_;
  CheckpointOptions options_;
  std::unique_ptr<CheckpointCoordinator> coordinator_;
  absl::Status initial_failed_;
};

}  // namespace weir::jobmanager
