#include "weir/slice_layout.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace weir::internal {
namespace {

constexpr int64_t kFurthest = std::numeric_limits<int64_t>::max() / 4;

int64_t FloorMod(int64_t a, int64_t b) {
  const int64_t remainder = a % b;
  return remainder < 0 ? remainder + b : remainder;
}

}  // namespace

SliceLayout::SliceLayout(const WindowSpec& spec)
    : size_(spec.size_micros),
      slide_(spec.slide_micros),
      offset_(spec.offset_micros),
      width_(std::gcd(size_, slide_)) {}

int64_t SliceLayout::SliceOf(int64_t time) const {
  time = ClampToWindowTime(time);
  return time - FloorMod(time - offset_, width_);
}

int64_t SliceLayout::FirstEnd(int64_t slice) const {
  return slice + slide_ - FloorMod(slice - offset_ - size_, slide_);
}

int64_t SliceLayout::LastEnd(int64_t slice) const {
  return slice + size_ - FloorMod(slice - offset_, slide_);
}

std::optional<int64_t> SliceLayout::FirstEndAbove(int64_t watermark, int64_t slice) const {
  const int64_t last = LastEnd(slice);
  int64_t end = FirstEnd(slice);
  if (end > last || last - 1 <= watermark) return std::nullopt;
  if (end - 1 <= watermark) end += ((watermark + 1 - end) / slide_ + 1) * slide_;
  return end;
}

int64_t ClampToWindowTime(int64_t time) { return std::clamp(time, -kFurthest, kFurthest); }

WindowSpec Clamped(WindowSpec spec) {
  spec.size_micros = std::min(spec.size_micros, kFurthest);
  spec.slide_micros = std::min(spec.slide_micros, kFurthest);
  spec.lateness_micros = spec.processing_time ? 0 : std::min(spec.lateness_micros, kFurthest);
  return spec;
}

}  // namespace weir::internal
