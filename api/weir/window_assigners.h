#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace weir {

namespace internal {

/// What is written down about a windowed stream: its windows and how late rows may come.
struct WindowSpec {
  enum class Kind { kTumbling, kSliding, kSession };

  Kind kind = Kind::kTumbling;
  int64_t size_micros = 0;  // the gap of sessions
  int64_t slide_micros = 0;
  int64_t offset_micros = 0;
  bool processing_time = false;
  int64_t lateness_micros = 0;
  std::string late_tag;  // empty: late rows are only counted

  /// One sentence about what makes no sense in it; empty: nothing.
  std::string Mistake() const;
  /// For plans: "sliding 1h every 5m".
  std::string Describe() const;
};

/// What the kinds of windows have in common.
class WindowAssigner {
 public:
  const WindowSpec& spec() const { return spec_; }

 protected:
  WindowSpec spec_;
};

}  // namespace internal

/// Windows of `size`, one after the other (Flink's TumblingEventTimeWindows). They start at
/// multiples of the size since 1970-01-01 UTC, moved by the offset: Tumbling(24h, -8h) are the days
/// of UTC+8.
class Tumbling : public internal::WindowAssigner {
 public:
  static constexpr bool kMerges = false;
  explicit Tumbling(std::chrono::microseconds size, std::chrono::microseconds offset = {});
};

/// Windows of `size`, of which one starts every `slide` (Flink's SlidingEventTimeWindows). The cost
/// of a row does not depend on how many overlap.
class Sliding : public internal::WindowAssigner {
 public:
  static constexpr bool kMerges = true;
  Sliding(std::chrono::microseconds size, std::chrono::microseconds slide,
          std::chrono::microseconds offset = {});
};

/// Windows that end where a key has had no row for `gap` (Flink's
/// EventTimeSessionWindows.withGap).
class Session : public internal::WindowAssigner {
 public:
  static constexpr bool kMerges = true;
  explicit Session(std::chrono::microseconds gap);
};

/// Tumbling, by the clock of the machine that a row comes to. No row is late. Windows that are open
/// when a bounded input ends never come out.
class TumblingProcessingTime : public internal::WindowAssigner {
 public:
  static constexpr bool kMerges = false;
  explicit TumblingProcessingTime(std::chrono::microseconds size,
                                  std::chrono::microseconds offset = {});
};

/// Sliding, by the clock of the machine that a row comes to. Else as TumblingProcessingTime.
class SlidingProcessingTime : public internal::WindowAssigner {
 public:
  static constexpr bool kMerges = true;
  SlidingProcessingTime(std::chrono::microseconds size, std::chrono::microseconds slide,
                        std::chrono::microseconds offset = {});
};

}  // namespace weir
