#include "state/keyed/heap_keyed_timers.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir {

HeapTimerQueue::HeapTimerQueue(size_t num_groups)
    : groups_(num_groups), places_(num_groups, kNowhere) {}

bool HeapTimerQueue::Add(size_t group, HeapTimer timer) {
  CopyOnFreeze<HeapTimerSet>& timers = groups_[group];
  if (!timers.has_value()) timers.Set(HeapTimerSet());
  // Looked for first where a change would cost a copy.
  if (timers.frozen() && timers.get()->contains(timer)) return false;
  if (!timers.Change().insert(std::move(timer)).second) return false;
  ++size_;
  Place(group);
  return true;
}

bool HeapTimerQueue::Remove(size_t group, const HeapTimer& timer) {
  CopyOnFreeze<HeapTimerSet>& timers = groups_[group];
  if (!timers.has_value()) return false;
  if (timers.frozen() && !timers.get()->contains(timer)) return false;
  if (timers.Change().erase(timer) == 0) return false;
  --size_;
  Place(group);
  return true;
}

HeapTimer HeapTimerQueue::PopFirst() { return PopFirstOf(heap_.front()); }

std::optional<size_t> HeapTimerQueue::FirstGroupDue(
    const std::vector<int64_t>& until_micros) const {
  const auto due = [&](size_t group) { return First(group).time_micros <= until_micros[group]; };
  // The earliest of all is it but where groups differ.
  if (!heap_.empty() && due(heap_.front())) return heap_.front();
  std::optional<size_t> first;
  for (const size_t group : heap_) {
    if (!due(group)) continue;
    if (!first.has_value() || First(group) < First(*first)) first = group;
  }
  return first;
}

HeapTimer HeapTimerQueue::PopFirstOf(size_t group) {
  HeapTimerSet& timers = groups_[group].Change();
  HeapTimer timer = *timers.begin();
  timers.erase(timers.begin());
  --size_;
  Place(group);
  return timer;
}

std::optional<size_t> HeapTimerQueue::first_group() const {
  return heap_.empty() ? std::nullopt : std::optional<size_t>(heap_.front());
}

void HeapTimerQueue::Swap(size_t a, size_t b) {
  std::swap(heap_[a], heap_[b]);
  places_[heap_[a]] = a;
  places_[heap_[b]] = b;
}

void HeapTimerQueue::SiftUp(size_t at) {
  for (size_t parent = (at - 1) / 2; at > 0 && Before(at, parent); parent = (at - 1) / 2) {
    Swap(at, parent);
    at = parent;
  }
}

void HeapTimerQueue::SiftDown(size_t at) {
  for (size_t child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
    if (child + 1 < heap_.size() && Before(child + 1, child)) ++child;
    if (!Before(child, at)) return;
    Swap(at, child);
    at = child;
  }
}

void HeapTimerQueue::Place(size_t group) {
  if (!groups_[group].get()->empty()) {
    if (places_[group] == kNowhere) {
      places_[group] = heap_.size();
      heap_.push_back(group);
    }
    SiftUp(places_[group]);
    SiftDown(places_[group]);
    return;
  }
  const size_t hole = std::exchange(places_[group], kNowhere);
  const size_t last = heap_.back();
  heap_.pop_back();
  if (last == group) return;
  heap_[hole] = last;
  places_[last] = hole;
  SiftUp(hole);
  SiftDown(places_[last]);
}

HeapKeyedTimers::HeapKeyedTimers(KeyGroupRange range, const HeapCurrentKey& current)
    : range_(range),
      current_(current),
      queues_{HeapTimerQueue(range.size()), HeapTimerQueue(range.size())},
      watermarks_(range.size(), EventTime::Min().micros()),
      highest_watermark_(EventTime::Min().micros()) {}

HeapTimer HeapKeyedTimers::OfCurrentKey(int64_t time_micros, absl::string_view name_space) const {
  WEIR_CHECK(current_.is_set())
      << "a timer was registered or deleted while there is no current key: timers may be used only "
         "while a row of a keyed stream, or a timer of one, is being processed";
  return {time_micros, std::string(current_.key()), std::string(name_space)};
}

void HeapKeyedTimers::Register(TimeDomain domain, int64_t time_micros,
                               absl::string_view name_space) {
  HeapTimer timer = OfCurrentKey(time_micros, name_space);
  queues_[Index(domain)].Add(current_.group_index(), std::move(timer));
}

void HeapKeyedTimers::Delete(TimeDomain domain, int64_t time_micros, absl::string_view name_space) {
  const HeapTimer timer = OfCurrentKey(time_micros, name_space);
  queues_[Index(domain)].Remove(current_.group_index(), timer);
}

std::optional<int64_t> HeapKeyedTimers::NextDue(TimeDomain domain) const {
  const HeapTimerQueue& queue = queues_[Index(domain)];
  if (!queue.first_group().has_value()) return std::nullopt;
  return queue.first().time_micros;
}

std::optional<DueTimer> HeapKeyedTimers::FirstOf(TimeDomain domain, uint32_t group) const {
  const auto& timers = queues_[Index(domain)].groups()[group - range_.first];
  if (!timers.has_value() || timers.get()->empty()) return std::nullopt;
  const HeapTimer& first = *timers.get()->begin();
  return DueTimer{first.time_micros, group, first.key, first.name_space};
}

std::optional<DueTimer> HeapKeyedTimers::PopDue(TimeDomain domain, int64_t until_micros) {
  HeapTimerQueue& queue = queues_[Index(domain)];
  const std::optional<size_t> group = queue.first_group();
  if (!group.has_value() || queue.first().time_micros > until_micros) return std::nullopt;
  HeapTimer timer = queue.PopFirst();
  return DueTimer{timer.time_micros, range_.first + static_cast<uint32_t>(*group),
                  std::move(timer.key), std::move(timer.name_space)};
}

std::optional<DueTimer> HeapKeyedTimers::PopDueByWatermark() {
  HeapTimerQueue& queue = queues_[Index(TimeDomain::kEventTime)];
  if (!queue.first_group().has_value() || queue.first().time_micros > highest_watermark_) {
    return std::nullopt;
  }
  const std::optional<size_t> group = queue.FirstGroupDue(watermarks_);
  if (!group.has_value()) return std::nullopt;
  HeapTimer timer = queue.PopFirstOf(*group);
  return DueTimer{timer.time_micros, range_.first + static_cast<uint32_t>(*group),
                  std::move(timer.key), std::move(timer.name_space)};
}

EventTime HeapKeyedTimers::GroupWatermark(uint32_t group) const {
  WEIR_CHECK(range_.Contains(group)) << "group " << group << " is not of this subtask";
  return EventTime::FromMicros(watermarks_[group - range_.first]);
}

void HeapKeyedTimers::AdvanceWatermark(EventTime watermark) {
  for (int64_t& micros : watermarks_) micros = std::max(micros, watermark.micros());
  highest_watermark_ = std::max(highest_watermark_, watermark.micros());
}

size_t HeapKeyedTimers::size() const { return queues_[0].size() + queues_[1].size(); }

}  // namespace weir
