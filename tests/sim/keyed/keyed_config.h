#pragma once

#include <cstdint>
#include <string>

#include "common/base/random.h"

namespace weir::sim {

/// Which keyed operators a run has in place of the model operator, and what its records are like;
/// docs/simulator.md. Times are event times in microseconds.
struct KeyedConfig {
  /// The last two go by the clock: timers of processing time, and windows.
  enum class Program { kNone, kTimers, kTumbling, kSliding, kSession, kClockTimers, kClockWindows };
  enum class Watermarks { kBounded, kPunctuated, kPeriodic };

  Program program = Program::kNone;
  bool listed = false;  // windows keep their rows, and do not aggregate them
  bool lists = false;   // slots of timers keep theirs in a list of the key
  /// The results go through a second shuffle, into tumbling windows.
  bool second = false;
  /// Records come later than the watermarks allow, and splits turn idle: what comes out depends on
  /// the order of arrival, and is checked for balance.
  bool late = false;
  /// Keys are those of partitions (KeyByPartition): each is in one split.
  bool aligned = false;
  int64_t keys = 1;
  int64_t disorder_us = 0;  // what watermarks allow for
  int64_t size_us = 1;      // of windows; the gap of sessions
  int64_t slide_us = 1;
  int64_t lateness_us = 0;
  int64_t late_one_in = 6;    // of the records, where they may be late
  int64_t idle_after_ms = 0;  // 0: never
  int64_t pause_ms = 3000;    // of splits that say nothing for a while
  /// All splits pause behind this many records, the last of which ends a window, so that barriers
  /// come while it fires: behind rows they would wait. 0: none does for that.
  int64_t pause_at = 0;
  /// Of 1000: how often a worker dies soon after a step of its probe (see WatermarkProbe).
  uint32_t crashes = 0;
  Watermarks watermarks = Watermarks::kBounded;
  int64_t watermark_interval_ms = 200;
  /// They are assigned behind the source, to splits that drift apart: only where rows may be late.
  bool mid_stream = false;
  /// The sink takes its time, so that barriers come in the middle of firing.
  bool slow_sink = false;
  /// Nobody reads the side output of late rows: none is too late. So the sink can be chained to the
  /// windows, and holds their firing up when it is slow; a channel in between has room for all.
  bool unread = false;

  static constexpr int64_t kFirstMicros = 1'000'000;
  static constexpr int64_t kStepMicros = 10'000;  // between two records of a split
  static constexpr int64_t kSecondKeys = 3;
  static constexpr int64_t kForeverMicros =
      3'600'000'000;  // a lateness no input is long enough for

  /// So many keys that one watermark makes several slices of timers due.
  bool burst() const { return keys > 100; }
  bool on() const { return program != Program::kNone; }
  bool by_clock() const {
    return program == Program::kClockTimers || program == Program::kClockWindows;
  }
  /// Records come behind the watermarks, and none is too late: the last firings are known.
  bool patient() const { return late && lateness_us >= kForeverMicros; }
  /// A row is in so many windows that they fire again in several slices.
  bool long_walks() const { return size_us / slide_us > 100; }
  /// Late rows go to the sink, too.
  bool reads_late() const { return late && !unread; }
  /// Of the windows behind the second shuffle.
  int64_t second_size_us() const { return 4 * size_us; }

  /// `burst`: one, for certain, with a pause, a slow sink and workers that die.
  static KeyedConfig Draw(Random& random, bool burst);
  /// What Draw leaves out. The last one is the first one with long walks for certain.
  enum class Shape { kLateSliding, kLateSessions, kClock, kAligned, kLongWalks };
  static KeyedConfig DrawShape(Random& random, Shape shape);
  /// Of a few keys. Nothing is late: timers with a map, timers with a list, tumbling windows,
  /// sliding windows with their rows, sessions, and windows behind a second shuffle. Records are
  /// late: sliding windows and sessions that wait for all of them, tumbling windows that wait for
  /// none, beside a split that turns idle, and sliding windows with their rows that wait a while.
  /// Timers of processing time; windows of processing time; timers keyed by partition. Sliding
  /// windows again, of which one late row fires hundreds, into a sink that takes its time.
  static constexpr uint32_t kSmallPrograms = 14;
  static KeyedConfig Small(uint32_t number);
  void DrawWatermarks(Random& random);
  std::string ToString() const;
};

}  // namespace weir::sim
