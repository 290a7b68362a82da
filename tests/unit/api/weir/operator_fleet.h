#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/api/weir/keyed_contents.h"
#include "weir/testing/operator_test_harness.h"

namespace weir {

/// All subtasks of one keyed operator, each in a harness of its own, over checkpoints at changing
/// parallelism. Each is given all rows, and takes those of its own keys.
template <RowType In, RowType Out>
class OperatorFleet {
 public:
  using Harness = testing::OperatorTestHarness<In, Out>;
  using Pipeline = typename Harness::Pipeline;

  /// `uid` of the operator; of `options` all but subtask and parallelism.
  OperatorFleet(std::string uid, Pipeline pipeline, uint32_t parallelism,
                testing::HarnessOptions options)
      : uid_(std::move(uid)), pipeline_(std::move(pipeline)), options_(std::move(options)) {
    Start(parallelism);
  }

  uint32_t parallelism() const { return static_cast<uint32_t>(subtasks_.size()); }
  Harness& subtask(uint32_t index) { return *subtasks_[index]; }

  void Push(const std::vector<In>& rows, const std::vector<int64_t>& times) {
    for (const auto& one : subtasks_) one->PushBatch(rows, times);
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
    const std::vector<std::string> snapshots = Checkpoint();
    processing_time_ = processing_time;
    StartFrom(snapshots, parallelism);
  }
  /// A snapshot of each subtask; they go on.
  std::vector<std::string> Checkpoint() {
    std::vector<std::string> snapshots;
    for (const auto& one : subtasks_) {
      snapshots.push_back(one->Snapshot().value_or(""));
      one->PassOutput();
      Collect(*one);
    }
    return snapshots;
  }
  /// New subtasks instead of those there are. What came out of them since the checkpoint, or since
  /// TakeOutputs, is lost.
  void StartFrom(const std::vector<std::string>& snapshots, uint32_t parallelism) {
    lost_books_ = Books();
    lost_errors_ = error();
    subtasks_.clear();
    Start(parallelism);
    for (const auto& one : subtasks_) one->Restore(snapshots);
  }

  /// Those of a key in their order.
  std::vector<testing::OutputRecord<Out>> TakeOutputs() {
    for (const auto& one : subtasks_) Collect(*one);
    return std::exchange(outputs_, {});
  }
  /// Of all subtasks that there have been.
  testing::OperatorBooks Books() const {
    testing::OperatorBooks sum = lost_books_;
    for (const auto& one : subtasks_) {
      const testing::OperatorBooks books = one->Books(uid_);
      sum.records_in += books.records_in;
      sum.records_out += books.records_out;
      sum.filtered += books.filtered;
      sum.late += books.late;
    }
    return sum;
  }
  KeyedContents Contents() {
    KeyedContents sum;
    for (const auto& one : subtasks_) {
      const KeyedContents contents = ContentsOf(one->Snapshot().value_or("?"));
      sum.entries += contents.entries;
      sum.timers += contents.timers;
    }
    return sum;
  }
  /// Of all subtasks that there have been.
  std::string error() const {
    std::string error = lost_errors_;
    for (const auto& one : subtasks_) error += one->error();
    return error;
  }

 private:
  void Start(uint32_t parallelism) {
    for (uint32_t index = 0; index < parallelism; ++index) {
      testing::HarnessOptions options = options_;
      options.subtask = index;
      options.parallelism = parallelism;
      subtasks_.push_back(std::make_unique<Harness>(pipeline_, options));
      if (processing_time_.has_value()) subtasks_.back()->SetProcessingTime(*processing_time_);
    }
  }
  void Collect(Harness& harness) {
    for (auto& output : harness.TakeOutputs()) outputs_.push_back(std::move(output));
  }

  const std::string uid_;
  const Pipeline pipeline_;
  const testing::HarnessOptions options_;
  std::optional<int64_t> processing_time_;
  std::vector<std::unique_ptr<Harness>> subtasks_;
  std::vector<testing::OutputRecord<Out>> outputs_;
  testing::OperatorBooks lost_books_;
  std::string lost_errors_;
};

}  // namespace weir
