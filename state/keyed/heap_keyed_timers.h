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

/// One timer of a key group; their order is the order in which they are due: by time, key and
/// namespace. Small, since sorted sets move them about.
class HeapTimer {
 public:
  HeapTimer(int64_t time, absl::string_view key, absl::string_view name_space)
      : time_micros(time), key_size_(key.size()) {
    bytes_.reserve(key.size() + name_space.size());
    bytes_.append(key.data(), key.size());
    bytes_.append(name_space.data(), name_space.size());
  }

  absl::string_view key() const { return absl::string_view(bytes_).substr(0, key_size_); }
  absl::string_view name_space() const { return absl::string_view(bytes_).substr(key_size_); }
  /// The first bytes of the key as a number: of two timers of one time, the one with the less is
  /// due first. Equal: the keys themselves say it.
  uint64_t key_prefix() const {
    uint64_t prefix = 0;
    __builtin_memcpy(&prefix, bytes_.data(), std::min(sizeof(prefix), key_size_));
    return __builtin_bswap64(prefix);
  }

  bool operator==(const HeapTimer& other) const {
    return time_micros == other.time_micros && key_size_ == other.key_size_ &&
           bytes_ == other.bytes_;
  }
  bool operator<(const HeapTimer& other) const {
    if (time_micros != other.time_micros) return time_micros < other.time_micros;
    if (const int by_key = key().compare(other.key()); by_key != 0) return by_key < 0;
    return name_space() < other.name_space();
  }

  int64_t time_micros;

 private:
  size_t key_size_;
  std::string bytes_;  // of the key, then of the namespace
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
  /// What mostly says which of two groups' first timers is due first, without a look at these.
  struct Head {
    int64_t time_micros = 0;
    uint64_t key_prefix = 0;
  };

  const HeapTimer& First(size_t group) const { return *groups_[group].get()->begin(); }
  bool Before(size_t a, size_t b) const {
    const Head& head_a = heads_[heap_[a]];
    const Head& head_b = heads_[heap_[b]];
    if (head_a.time_micros != head_b.time_micros) return head_a.time_micros < head_b.time_micros;
    if (head_a.key_prefix != head_b.key_prefix) return head_a.key_prefix < head_b.key_prefix;
    return First(heap_[a]) < First(heap_[b]);
  }
  void Swap(size_t a, size_t b);
  void SiftUp(size_t at);
  void SiftDown(size_t at);
  // The group's first timer has changed.
  void Place(size_t group);

  static constexpr size_t kNowhere = SIZE_MAX;

  std::vector<CopyOnFreeze<HeapTimerSet>> groups_;
  std::vector<Head> heads_;     // of groups that have timers
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
