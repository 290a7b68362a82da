#include "weir/slice_layout.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

namespace weir::internal {
namespace {

using std::chrono::microseconds;

SliceLayout Layout(int64_t size, int64_t slide, int64_t offset = 0) {
  return SliceLayout(
      Clamped(Sliding(microseconds(size), microseconds(slide), microseconds(offset)).spec()));
}

// All windows over `time` by Flink's rule: the last one starts at
// time - floorMod(time - offset, slide).
std::vector<int64_t> EndsOver(int64_t time, int64_t size, int64_t slide, int64_t offset) {
  int64_t remainder = (time - offset) % slide;
  if (remainder < 0) remainder += slide;
  std::vector<int64_t> ends;
  for (int64_t start = time - remainder; start > time - size; start -= slide) {
    ends.insert(ends.begin(), start + size);
  }
  return ends;
}

TEST(SliceLayout, IsAsWideAsTheGreatestCommonDivisor) {
  EXPECT_EQ(Layout(10, 4).width(), 2);
  EXPECT_EQ(Layout(12, 12).width(), 12);
  EXPECT_EQ(Layout(7, 3).width(), 1);
}

TEST(SliceLayout, WindowsOfASliceAreThoseOfEachOfItsTimes) {
  for (const int64_t size : {1, 4, 6, 9, 10}) {
    for (const int64_t slide : {1, 2, 3, 4, 10, 15}) {
      for (int64_t offset = 1 - slide; offset < slide; ++offset) {
        const SliceLayout layout = Layout(size, slide, offset);
        for (int64_t time = -40; time < 40; ++time) {
          const int64_t slice = layout.SliceOf(time);
          ASSERT_LE(slice, time);
          ASSERT_GT(slice + layout.width(), time);
          std::vector<int64_t> ends;
          for (int64_t end = layout.FirstEnd(slice); end <= layout.LastEnd(slice); end += slide) {
            ends.push_back(end);
          }
          ASSERT_EQ(ends, EndsOver(time, size, slide, offset))
              << size << " every " << slide << ", offset " << offset << ", time " << time;
        }
      }
    }
  }
}

TEST(SliceLayout, FirstWindowThatHasNotFired) {
  const SliceLayout layout = Layout(10, 4);  // over slice 0 are [-8,2), [-4,6) and [0,10)
  EXPECT_EQ(layout.FirstEndAbove(std::numeric_limits<int64_t>::min(), 0), 2);
  EXPECT_EQ(layout.FirstEndAbove(0, 0), 2);
  EXPECT_EQ(layout.FirstEndAbove(1, 0), 6);
  EXPECT_EQ(layout.FirstEndAbove(5, 0), 10);
  EXPECT_EQ(layout.FirstEndAbove(8, 0), 10);
  EXPECT_EQ(layout.FirstEndAbove(9, 0), std::nullopt);
  EXPECT_EQ(layout.FirstEndAbove(std::numeric_limits<int64_t>::max(), 0), std::nullopt);
}

TEST(SliceLayout, NothingOverflows) {
  const SliceLayout layout = Layout(std::numeric_limits<int64_t>::max(), 7);
  EXPECT_LT(layout.LastEnd(layout.SliceOf(std::numeric_limits<int64_t>::max())),
            std::numeric_limits<int64_t>::max());
  EXPECT_GT(layout.SliceOf(std::numeric_limits<int64_t>::min()),
            std::numeric_limits<int64_t>::min());
}

}  // namespace
}  // namespace weir::internal
