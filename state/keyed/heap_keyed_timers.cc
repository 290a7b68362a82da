#include "state/keyed/heap_keyed_timers.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"

namespace weir {
namespace {

DueTimer DueOf(const HeapTimer& timer, uint32_t group) {
  return {timer.time_micros, group, std::string(timer.key()), std::string(timer.name_space())};
}

}  // namespace

HeapTimerQueue::HeapTimerQueue(size_t num_groups)
    : groups_(num_groups), heads_(num_groups), places_(num_groups, kNowhere) {}

bool HeapTimerQueue::Add(size_t group, HeapTimer timer) {
  CopyOnFreeze<HeapTimerSet>& timers = groups_[group];
  if (!timers.has_value()) timers.Set(HeapTimerSet());
  // Looked for first where a change would cost a copy.
  if (timers.frozen() && timers.get()->contains(timer)) return false;
  HeapTimerSet& set = timers.Change();
  const auto [at, added] = set.insert(std::move(timer));
  if (!added) return false;
  ++size_;
  if (at == set.begin()) Place(group);
  return true;
}

bool HeapTimerQueue::Remove(size_t group, const HeapTimer& timer) {
  CopyOnFreeze<HeapTimerSet>& timers = groups_[group];
  if (!timers.has_value()) return false;
  if (timers.frozen() && !timers.get()->contains(timer)) return false;
  HeapTimerSet& set = timers.Change();
  const auto at = set.find(timer);
  if (at == set.end()) return false;
  const bool first = at == set.begin();
  set.erase(at);
  --size_;
  if (first) Place(group);
  return true;
}

HeapTimer HeapTimerQueue::PopFirst() { return PopFirstOf(heap_.front()); }

std::optional<size_t> HeapTimerQueue::FirstGroupDue(
    const std::vector<int64_t>& until_micros) const {
  const auto due = [&](size_t group) { return heads_[group].time_micros <= until_micros[group]; };
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
  HeapTimer timer = std::move(timers.extract(timers.begin()).value());
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
    heads_[group] = {First(group).time_micros, First(group).key_prefix()};
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
  return {time_micros, current_.key(), name_space};
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
  return DueOf(first, group);
}

std::optional<DueTimer> HeapKeyedTimers::PopDue(TimeDomain domain, int64_t until_micros) {
  HeapTimerQueue& queue = queues_[Index(domain)];
  const std::optional<size_t> group = queue.first_group();
  if (!group.has_value() || queue.first().time_micros > until_micros) return std::nullopt;
  return DueOf(queue.PopFirst(), range_.first + static_cast<uint32_t>(*group));
}

std::optional<DueTimer> HeapKeyedTimers::PopDueByWatermark() {
  HeapTimerQueue& queue = queues_[Index(TimeDomain::kEventTime)];
  if (!queue.first_group().has_value() || queue.first().time_micros > highest_watermark_) {
    return std::nullopt;
  }
  const std::optional<size_t> group = queue.FirstGroupDue(watermarks_);
  if (!group.has_value()) return std::nullopt;
  return DueOf(queue.PopFirstOf(*group), range_.first + static_cast<uint32_t>(*group));
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
