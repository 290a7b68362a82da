#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <utility>

#include "common/operator/current_call.h"
#include "common/operator/watermark_strategy.h"
#include "common/types/record.h"

namespace weir {

/// What a WatermarkGenerator tells how far event time has come (Flink's WatermarkOutput). Valid
/// during the call.
class WatermarkOutput {
 public:
  virtual ~WatermarkOutput() = default;
  /// No record at or before this time is expected any more. One that is not above all before it
  /// changes nothing. Timestamp::max() is the end of event time: every window and timer fires, and
  /// every record that follows is late. The split is active again.
  virtual void EmitWatermark(Timestamp watermark) = 0;
  /// The split holds no watermark back, until EmitWatermark or MarkActive.
  virtual void MarkIdle() = 0;
  virtual void MarkActive() = 0;
};

/// Makes the watermarks of one split of a source (a Kafka partition), or of one subtask where a
/// stream assigns them (Flink's WatermarkGenerator). Derive from it, and give a function that makes
/// one to WatermarkStrategy::ForGenerator.
///
///   class EndOfHour final : public weir::WatermarkGenerator<Reading> {
///    public:
///     void OnEvent(const Reading::View& reading, weir::Timestamp time,
///                  weir::WatermarkOutput& output) override {
///       if (reading.last_of_hour) output.EmitWatermark(time);
///     }
///   };
///
/// What it emits in a batch of records goes on behind that batch, never between two of its records.
///
/// State: none of its own is kept. After a restore a new generator begins; the split's watermark
/// does not go back, whatever that one emits.
/// Threads: the subtask's. Errors: an exception fails the task, with the operator's name and the
/// record's position, whatever the error policy of the source.
template <RowType T>
class WatermarkGenerator {
 public:
  using InputType = T;

  virtual ~WatermarkGenerator() = default;
  /// For each record, in the order of its split. `time` is its event time; Timestamp::min() where
  /// neither source nor assigner gives one.
  virtual void OnEvent(const Row<T>& row, Timestamp time, WatermarkOutput& output) = 0;
  /// Each Environment::SetAutoWatermarkInterval, also without records; not while the task is
  /// backpressured or the split idle by WithIdleness.
  virtual void OnPeriodicEmit(WatermarkOutput& output) { (void)output; }
};

namespace internal {

/// What a generator has said since the last Take.
class KeptWatermark final : public WatermarkOutput {
 public:
  void EmitWatermark(Timestamp watermark) override {
    const auto time = EventTime::FromMicros(watermark.time_since_epoch().count());
    idle_ = false;
    if (time > highest_) highest_ = time;
  }
  void MarkIdle() override { idle_ = true; }
  void MarkActive() override { idle_ = false; }

  bool idle() const { return idle_; }
  std::optional<EventTime> Take() {
    const EventTime taken = std::exchange(highest_, EventTime::Min());
    return taken == EventTime::Min() ? std::nullopt : std::optional(taken);
  }

 private:
  bool idle_ = false;
  EventTime highest_ = EventTime::Min();
};

/// Gives the rows of batches to the author's generator.
template <RowType T>
class RowWatermarkGenerator final : public BatchWatermarkGenerator {
 public:
  explicit RowWatermarkGenerator(std::unique_ptr<WatermarkGenerator<T>> generator)
      : generator_(std::move(generator)) {}

  std::optional<EventTime> OnBatch(const Batch& batch) override {
    const RecordReader<T> reader(batch);
    const int64_t* times = batch.event_times();
    CurrentCall& call = ThisThreadsCall();
    for (size_t row = 0; row < reader.rows(); ++row) {
      call.SetRow(row);
      const Timestamp time =
          times == nullptr ? Timestamp::min() : Timestamp(std::chrono::microseconds(times[row]));
      generator_->OnEvent(reader.View(row), time, output_);
    }
    call.ClearRow();
    return output_.Take();
  }
  std::optional<EventTime> OnPeriodicEmit() override {
    generator_->OnPeriodicEmit(output_);
    return output_.Take();
  }
  bool idle() const override { return output_.idle(); }

 private:
  const std::unique_ptr<WatermarkGenerator<T>> generator_;
  KeptWatermark output_;
};

}  // namespace internal
}  // namespace weir
