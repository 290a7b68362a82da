#include "tests/sim/keyed/keyed_input.h"

#include "common/base/stable_hash.h"

namespace weir::sim {
KeyedInput::Record KeyedInput::At(int64_t split, int64_t index) const {
  const uint64_t number = static_cast<uint64_t>(split) * 1'000'000 + static_cast<uint64_t>(index);
  const auto draw = [&](uint64_t what, int64_t below) {
    const uint64_t drawn = StableHash64(StableHash64(seed_ * 16 + what) ^ number);
    return static_cast<int64_t>(drawn % static_cast<uint64_t>(below));
  };
  Record record;
  record.split = split;
  record.index = index;
  record.key = draw(1, config_.keys);
  if (config_.aligned) record.key = record.key * static_cast<int64_t>(splits_) + split;
  record.value = draw(2, 1 << 20);
  record.time_us = KeyedConfig::kFirstMicros + index * KeyedConfig::kStepMicros -
                   draw(3, config_.disorder_us + 1);
  // Also to before 1970.
  record.displaced = config_.late && draw(4, config_.late_one_in) == 0;
  if (record.displaced) record.time_us -= draw(5, 5 * config_.size_us);
  return record;
}

std::vector<KeyedInput::Record> KeyedInput::All() const {
  std::vector<Record> all;
  for (int64_t split = 0; split < splits_; ++split) {
    for (int64_t index = 0; index < EndOf(split); ++index) all.push_back(At(split, index));
  }
  return all;
}

}  // namespace weir::sim
