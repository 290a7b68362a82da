#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "weir/keyed_operator.h"
#include "weir/side_outputs.h"
#include "weir/slice_layout.h"
#include "weir/window_assigners.h"
#include "weir/window_function.h"

/// The operators behind WindowedStream, without the types of rows and accumulators:
/// docs/protocols/windows.md.
namespace weir {

/// What slices and sessions have in common: lateness, and the books. Threads, errors: as Operator.
class WindowOperator : public KeyedOperator {
 public:
  explicit WindowOperator(internal::WindowSpec spec) : spec_(internal::Clamped(std::move(spec))) {}
  uint64_t late() const final { return late_; }
  uint64_t filtered() const final { return filtered_; }

 protected:
  const internal::WindowSpec& spec() const { return spec_; }
  /// What time has come to for the keys of a group: its watermark, or the clock.
  int64_t Reached(uint32_t group) {
    // A window whose last time is now has not ended by the clock.
    return spec_.processing_time ? now_micros() - 1 : GroupWatermark(group);
  }
  TimeDomain domain() const {
    return spec_.processing_time ? TimeDomain::kProcessingTime : TimeDomain::kEventTime;
  }
  /// The timer of a window has its last time, of which rows may still come while the clock shows
  /// it.
  int64_t processing_time_delay() const final { return 1; }
  /// From when on what ends at `end` is gone.
  int64_t CleanUpTime(int64_t end) const { return end - 1 + spec_.lateness_micros; }

  absl::Status OpenContext(const OperatorContext& context);
  WindowContext& ContextOf(const TimeWindow& window) {
    context_->window_ = window;
    context_->processing_time_micros_ = now_micros();
    return *context_;
  }
  internal::SideOutputs& side_outputs() { return side_outputs_; }
  const internal::SideOutputs& side_outputs() const { return side_outputs_; }

  /// The times of the batch's rows; INVALID_ARGUMENT when it has none and they are needed.
  absl::Status CheckTimes(const Batch& batch) const;
  void AddLate(size_t row) { late_rows_.push_back(static_cast<uint32_t>(row)); }
  void AddFiltered() { ++filtered_; }
  /// Counts the late rows of the batch and sends them on, if anybody wants them.
  absl::Status EmitLate(const BatchPtr& batch);

 private:
  const internal::WindowSpec spec_;
  internal::SideOutputs side_outputs_;
  std::optional<WindowContext> context_;
  Output* late_output_ = nullptr;
  std::vector<uint32_t> late_rows_;  // of one batch
  uint64_t late_ = 0;
  uint64_t filtered_ = 0;
};

/// Tumbling and sliding windows.
class SliceWindowOperator : public WindowOperator {
 public:
  explicit SliceWindowOperator(internal::WindowSpec spec);

 protected:
  /// The slice that the last row has gone to.
  struct Slice {
    int64_t start = 0;
    int64_t end = 0;  // start == end: none yet
    int64_t first_window_end = 0;
    int64_t last_window_end = 0;
    int64_t clean_up_time = 0;
  };
  const internal::SliceLayout& layout() const { return layout_; }
  /// Of a row's time; kept for the next row, which is often of the same.
  const Slice& SliceAt(int64_t time) {
    if (time < slice_.start || time >= slice_.end) MoveSlice(time);
    return slice_;
  }
  /// The current key has a new slice.
  void RegisterTimers(const Slice& slice, int64_t reached);
  /// Rows have come into windows that have fired: each is to fire again when the batch is over.
  void FireAgain(const Slice& slice, int64_t reached);

  // Of the current key.
  /// Emits the result of this window, if it has any rows. Adds the starts of its slices of which it
  /// is the last window. True: the next window has some, too, and may have no timer.
  virtual bool FireWindow(const TimeWindow& window, std::vector<int64_t>& last_of) = 0;
  /// The starts of all slices, rising.
  virtual std::vector<int64_t> SliceStarts() = 0;
  virtual void RemoveSlice(int64_t start) = 0;

 private:
  void MoveSlice(int64_t time);
  void OnDueTimer(TimeDomain domain, const DueTimer& timer) final;
  void OnWindowEnd(int64_t end);
  void OnAgain(const DueTimer& timer, int64_t last_end);
  bool MeetsLongerWalk(const DueTimer& timer);
  void RegisterRemoval(int64_t last_window_end);
  void OnRemoval(int64_t last_window_end, int64_t reached);
  void OnRemovalOfAny(int64_t reached);

  const internal::SliceLayout layout_;
  Slice slice_;
  std::vector<int64_t> last_of_;
};

/// Of a session, beside its start and its accumulator.
struct SessionTimes {
  int64_t end = 0;
  int64_t timer = 0;     // the one it has: at or before its last time, or that of its removal
  bool leaving = false;  // that of its removal
  WEIR_RECORD(SessionTimes, end, timer, leaving)
};

/// Session windows.
class SessionWindowOperator : public WindowOperator {
 public:
  explicit SessionWindowOperator(internal::WindowSpec spec) : WindowOperator(std::move(spec)) {}

 protected:
  /// A timer of the current key.
  void RegisterTimer(const SessionTimes& times);
  void DeleteTimer(const SessionTimes& times);
  /// After rows have come into a session: gives it the timer that it needs, which may be due
  /// already. `fresh`: it has none.
  void Settle(SessionTimes& times, int64_t reached, bool fresh);
  /// The session has fired, or the timer of its removal is due. False: it is to be removed now;
  /// else it has a timer for that.
  bool Leave(SessionTimes& times, int64_t reached);

  /// Handles the timer of the sessions of the current key that have this one. Several have where
  /// the job had another lateness before.
  virtual void OnSessionTimer(int64_t time, bool leaving) = 0;
  /// How many sessions of the current key have this timer.
  virtual size_t SessionsWith(int64_t time, bool leaving) = 0;

 private:
  void OnDueTimer(TimeDomain domain, const DueTimer& timer) final;
};

}  // namespace weir
