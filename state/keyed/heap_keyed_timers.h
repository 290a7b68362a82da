#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"

#include "common/types/key_group.h"
#include "state/api/keyed_timers.h"
#include "state/keyed/copy_on_freeze.h"
#include "state/keyed/heap_table.h"

namespace weir {

/// One timer of a key group; their order is the order in which they are due.
struct HeapTimer {
  int64_t time_micros = 0;
  std::string key;
  std::string name_space;
  auto operator<=>(const HeapTimer&) const = default;
};

using HeapTimerSet = absl::btree_set<HeapTimer>;

/// The timers of one domain: a sorted set per key group, so that each is frozen and moved alone,
/// and a heap of the groups by their first timers.
///
/// (Flink: KeyGroupPartitionedPriorityQueue.) Threads: the task's.
class HeapTimerQueue {
 public:
  explicit HeapTimerQueue(size_t num_groups);

  /// False when it is there already.
  bool Add(size_t group, HeapTimer timer);
  /// False when it is not there.
  bool Remove(size_t group, const HeapTimer& timer);
  /// The group with the earliest timer; nothing when there is none.
  std::optional<size_t> first_group() const;
  const HeapTimer& first() const { return First(heap_.front()); }
  /// There must be one.
  HeapTimer PopFirst();
  /// The group with the earliest of the timers that are at or before their group's time.
  std::optional<size_t> FirstGroupDue(const std::vector<int64_t>& until_micros) const;
  /// The group's earliest, which there must be.
  HeapTimer PopFirstOf(size_t group);
  const std::vector<CopyOnFreeze<HeapTimerSet>>& groups() const { return groups_; }
  size_t size() const { return size_; }

 private:
  const HeapTimer& First(size_t group) const { return *groups_[group].get()->begin(); }
  bool Before(size_t a, size_t b) const { return First(heap_[a]) < First(heap_[b]); }
  void Swap(size_t a, size_t b);
  void SiftUp(size_t at);
  void SiftDown(size_t at);
  // The group's first timer has changed.
  void Place(size_t group);

  static constexpr size_t kNowhere = SIZE_MAX;

  std::vector<CopyOnFreeze<HeapTimerSet>> groups_;
  std::vector<size_t> heap_;    // groups that have timers
  std::vector<size_t> places_;  // of each group in the heap
  size_t size_ = 0;
};

/// The timers of a HeapKeyedStateBackend. As KeyedTimers; borrows the current key.
class HeapKeyedTimers final : public KeyedTimers {
 public:
  HeapKeyedTimers(KeyGroupRange range, const HeapCurrentKey& current);

  void Register(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override;
  void Delete(TimeDomain domain, int64_t time_micros, absl::string_view name_space) override;
  std::optional<int64_t> NextDue(TimeDomain domain) const override;
  std::optional<DueTimer> FirstOf(TimeDomain domain, uint32_t group) const override;
  std::optional<DueTimer> PopDue(TimeDomain domain, int64_t until_micros) override;
  std::optional<DueTimer> PopDueByWatermark() override;
  EventTime GroupWatermark(uint32_t group) const override;
  void AdvanceWatermark(EventTime watermark) override;

  size_t size() const;
  const HeapTimerQueue& queue(TimeDomain domain) const { return queues_[Index(domain)]; }
  /// By place in the range, in microseconds.
  const std::vector<int64_t>& watermarks() const { return watermarks_; }
  /// Of a snapshot. False: it is there already.
  bool Restore(TimeDomain domain, size_t group_index, HeapTimer timer) {
    return queues_[Index(domain)].Add(group_index, std::move(timer));
  }
  void RestoreWatermark(size_t group_index, EventTime watermark) {
    watermarks_[group_index] = watermark.micros();
    highest_watermark_ = std::max(highest_watermark_, watermark.micros());
  }

 private:
  static size_t Index(TimeDomain domain) { return static_cast<size_t>(domain); }
  HeapTimer OfCurrentKey(int64_t time_micros, absl::string_view name_space) const;

  const KeyGroupRange range_;
  const HeapCurrentKey& current_;
  std::array<HeapTimerQueue, 2> queues_;
  std::vector<int64_t> watermarks_;
  int64_t highest_watermark_;
};

}  // namespace weir
