#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/types/key_codec.h"
#include "common/types/key_group.h"
#include "tests/unit/api/weir/testing_windows.h"

namespace weir {

inline uint32_t SubtaskOf(const std::string& user, uint32_t parallelism) {
  const uint32_t group = KeyGroupOf(EncodeKey(user), kDefaultMaxParallelism);
  return DefaultKeyGroupTable({parallelism, kDefaultMaxParallelism})[group];
}

/// All subtasks of one window operator, each in a harness of its own.
class WindowFleet {
 public:
  /// Of `options` all but subtask and parallelism.
  WindowFleet(ClicksHarness::Pipeline pipeline, uint32_t parallelism,
              testing::HarnessOptions options)
      : pipeline_(std::move(pipeline)), options_(std::move(options)) {
    Start(parallelism);
  }

  uint32_t parallelism() const { return static_cast<uint32_t>(subtasks_.size()); }
  ClicksHarness& subtask(uint32_t index) { return *subtasks_[index]; }

  void Push(const std::vector<Click>& clicks, const std::vector<int64_t>& times) {
    for (const auto& one : subtasks_) one->PushBatch(clicks, times);
  }
  void PushWatermark(int64_t watermark) {
    for (const auto& one : subtasks_) one->PushWatermark(watermark);
  }
  /// Of the subtasks there are, and of those that a restart makes.
  void SetProcessingTime(int64_t micros) {
    processing_time_ = micros;
    for (const auto& one : subtasks_) one->SetProcessingTime(micros);
  }
  void HoldOutput(bool held) {
    for (const auto& one : subtasks_) one->HoldOutput(held);
  }
  /// Checkpoint, loss of everything, and a new start from it. What comes out behind the checkpoint
  /// is lost with it.
  void Restart(uint32_t parallelism) { Restart(parallelism, processing_time_); }
  /// So long after the checkpoint that the clock stands there.
  void Restart(uint32_t parallelism, std::optional<int64_t> processing_time) {
    std::vector<std::string> snapshots;
    for (const auto& one : subtasks_) {
      snapshots.push_back(one->Snapshot().value_or(""));
      one->PassOutput();
      Collect(*one);
    }
    lost_late_ += LateNow();
    subtasks_.clear();
    processing_time_ = processing_time;
    Start(parallelism);
    for (const auto& one : subtasks_) one->Restore(snapshots);
  }
  /// Sorted.
  std::vector<std::string> TakeTexts() {
    for (const auto& one : subtasks_) Collect(*one);
    std::sort(texts_.begin(), texts_.end());
    return std::exchange(texts_, {});
  }
  uint64_t late() const { return lost_late_ + LateNow(); }
  KeyedContents Contents() {
    KeyedContents sum;
    for (const auto& one : subtasks_) {
      const KeyedContents contents = ContentsOf(one->Snapshot().value_or("?"));
      sum.entries += contents.entries;
      sum.timers += contents.timers;
    }
    return sum;
  }
  std::string error() const {
    std::string error;
    for (const auto& one : subtasks_) error += one->error();
    return error;
  }

 private:
  void Start(uint32_t parallelism) {
    for (uint32_t index = 0; index < parallelism; ++index) {
      testing::HarnessOptions options = options_;
      options.subtask = index;
      options.parallelism = parallelism;
      subtasks_.push_back(std::make_unique<ClicksHarness>(pipeline_, options));
      if (processing_time_.has_value()) subtasks_.back()->SetProcessingTime(*processing_time_);
    }
  }
  void Collect(ClicksHarness& harness) {
    if (harness.error() != "") texts_.push_back(harness.error());
    const std::vector<std::string> more = weir::TakeTexts(harness);
    texts_.insert(texts_.end(), more.begin(), more.end());
  }
  uint64_t LateNow() const {
    uint64_t late = 0;
    for (const auto& one : subtasks_) late += one->Books("clicks").late;
    return late;
  }

  const ClicksHarness::Pipeline pipeline_;
  const testing::HarnessOptions options_;
  std::optional<int64_t> processing_time_;
  std::vector<std::unique_ptr<ClicksHarness>> subtasks_;
  std::vector<std::string> texts_;
  uint64_t lost_late_ = 0;
};

}  // namespace weir
