#pragma once

#include <cstdint>
#include <vector>

#include "tests/sim/keyed/keyed_config.h"

namespace weir::sim {

/// What the records of a keyed run are: pure functions of the seed, split and index.
class KeyedInput {
 public:
  struct Record {
    int64_t split = 0;
    int64_t index = 0;
    int64_t key = 0;
    int64_t time_us = 0;
    int64_t value = 0;
    bool displaced = false;  // it may come later than the watermarks allow
  };

  /// `records` of a split, more or less.
  KeyedInput(const KeyedConfig& config, uint64_t seed, uint32_t splits, int64_t records)
      : config_(config), seed_(seed), splits_(splits), records_(records) {}

  const KeyedConfig& config() const { return config_; }
  /// One behind the last record: some splits end long before the others.
  int64_t EndOf(int64_t split) const { return split % 3 == 1 ? records_ / 3 : records_ + split; }
  /// The split says nothing from this record on for a while, where splits turn idle, or a pause is
  /// wanted.
  bool PausesAt(int64_t split, int64_t* index) const {
    *index = config_.pause_at > 0 ? config_.pause_at : EndOf(split) / 2;
    return config_.pause_at > 0 || (config_.idle_after_ms > 0 && split % 2 == 1);
  }
  /// By the clock an end of the input is no end of time: each split has a last record, which is
  /// there when all others have come out, and which does not count.
  bool IsLast(int64_t split, int64_t index) const {
    return config_.by_clock() && index == EndOf(split) - 1;
  }
  uint32_t splits() const { return splits_; }
  Record At(int64_t split, int64_t index) const;
  /// Of all splits.
  std::vector<Record> All() const;

 private:
  const KeyedConfig config_;
  const uint64_t seed_;
  const uint32_t splits_;
  const int64_t records_;
};

/// The greatest multiple of `step` that is not above `value`.
inline int64_t FloorTo(int64_t value, int64_t step) {
  const int64_t rest = value % step;
  return value - (rest < 0 ? rest + step : rest);
}

}  // namespace weir::sim
