#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "common/operator/operator.h"
#include "state/api/keyed_state_store.h"
#include "state/api/operator_state_store.h"

namespace weir {

/// What all operators with keyed state have in common: keys, the group watermarks, and the firing
/// of timers in slices. docs/protocols/windows.md.
///
/// Life cycle, threads: as Operator. Derived classes say what a timer does; between BeginOutput and
/// EndOutput they collect rows.
/// Errors: those of the state, after each call; FAILED_PRECONDITION when the input is not keyed.
class KeyedOperator : public Operator {
 public:
  /// A slice ends sooner when a full batch has gone on.
  static constexpr size_t kTimersPerSlice = 256;

  absl::Status Open(const OperatorContext& context) final;
  absl::Status ProcessWatermark(EventTime watermark, Output& out) final;
  bool firing() const final { return firing_; }
  absl::Status ContinueFiring(Output& out) final;
  std::optional<int64_t> NextProcessingTime() const final;
  absl::Status OnProcessingTime(int64_t now_micros, Output& out) final;

 protected:
  virtual absl::Status OpenFunction(const OperatorContext& context) = 0;
  virtual void BeginOutput(Output& out) = 0;
  /// A batch has gone on since BeginOutput.
  virtual bool OutputWentOn() const = 0;
  /// Sends on what was collected.
  virtual absl::Status EndOutput() = 0;
  /// The timer's key is the current one.
  virtual void OnDueTimer(TimeDomain domain, const DueTimer& timer) = 0;
  /// For how many microseconds after its time a processing-time timer is not due yet.
  virtual int64_t processing_time_delay() const { return 0; }

  KeyedStateStore& store() { return *store_; }
  /// Operator state that its function has asked for cannot be had.
  bool state_failed() const {
    return operator_state_ != nullptr && !operator_state_->status().ok();
  }
  KeyedTimers& timers() { return *timers_; }
  /// Of a row of the batch that Begin was given.
  KeyRef RefOf(absl::string_view key) const {
    const uint64_t hash = StableHash64(key);
    return {aligned_ ? partition_ : KeyGroupOfHash(hash, max_parallelism_), hash, key};
  }
  /// In microseconds.
  int64_t GroupWatermark(uint32_t group) { return timers_->GroupWatermark(group).micros(); }
  /// As of the last Begin or OnProcessingTime.
  int64_t now_micros() const { return now_micros_; }

  /// Within ProcessBatch: an event-time timer was registered that is due already. It is fired, in
  /// slices, before the operator gets more rows.
  void FireBeforeMoreRows() { firing_ = true; }
  /// Around what ProcessBatch does.
  void Begin(const Batch& batch, Output& out);
  absl::Status End();

 private:
  void BeginSlice(Output& out);
  void Fire(TimeDomain domain, const DueTimer& timer);

  KeyedStateStore* store_ = nullptr;
  const OperatorStateStore* operator_state_ = nullptr;
  KeyedTimers* timers_ = nullptr;
  const Clock* clock_ = nullptr;
  uint32_t max_parallelism_ = 0;
  bool aligned_ = false;    // with partitions
  uint32_t partition_ = 0;  // then: of the batch
  int64_t now_micros_ = 0;
  bool firing_ = false;             // there may be event-time timers that are due
  std::optional<EventTime> begun_;  // to be sent on when nothing is due any more
};

}  // namespace weir
