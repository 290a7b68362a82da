#pragma once

#include <cstdint>
#include <optional>

#include "weir/window_assigners.h"

namespace weir::internal {

/// How tumbling and sliding windows are cut into slices: docs/protocols/windows.md. Pure. All times
/// are microseconds since 1970; windows are known by their ends, slices by their starts.
///
/// Times, sizes and lateness beyond about 70,000 years count as that.
class SliceLayout {
 public:
  SliceLayout() = default;
  /// `spec` is clamped, has no mistake and is not of sessions.
  explicit SliceLayout(const WindowSpec& spec);

  int64_t size() const { return size_; }
  int64_t slide() const { return slide_; }
  /// Of a slice.
  int64_t width() const { return width_; }
  int64_t SliceOf(int64_t time) const;
  /// The earliest window over the slice; it covers the slice only where it is not above LastEnd.
  int64_t FirstEnd(int64_t slice) const;
  int64_t LastEnd(int64_t slice) const;
  /// The earliest window over the slice whose last time is above `watermark`.
  std::optional<int64_t> FirstEndAbove(int64_t watermark, int64_t slice) const;

 private:
  int64_t size_ = 1;
  int64_t slide_ = 1;
  int64_t offset_ = 0;
  int64_t width_ = 1;
};

/// The time, or the furthest that windows know.
int64_t ClampToWindowTime(int64_t time);
/// The same for all that is written down about windows: no sum of a time and these overflows.
WindowSpec Clamped(WindowSpec spec);

}  // namespace weir::internal
