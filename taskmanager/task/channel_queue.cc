#include "taskmanager/task/channel_queue.h"

#include <iterator>
#include <utility>
#include <variant>
#include <vector>

namespace weir::taskmanager {
namespace {

bool IsWatermark(const ChannelElement& element) {
  return std::holds_alternative<EventTime>(element);
}

bool IsStatus(const ChannelElement& element) {
  return std::holds_alternative<StreamStatus>(element);
}

// Of a watermark or a status `later`, directly behind `earlier`. A watermark says that its producer
// is active.
bool Replaces(const ChannelElement& later, const ChannelElement& earlier) {
  if (IsStatus(earlier)) return true;
  if (!IsWatermark(later) || !IsWatermark(earlier)) return false;
  return std::get<EventTime>(later) != EventTime::Max() ||
         std::get<EventTime>(earlier) == EventTime::Max();
}

void AppendTime(QueuedElement later, std::deque<QueuedElement>& queue) {
  while (!queue.empty() && Replaces(later.element, queue.back().element)) queue.pop_back();
  queue.push_back(std::move(later));
}

void AppendBarrier(QueuedElement later, std::deque<QueuedElement>& queue) {
  const Epoch epoch = std::get<Barrier>(later.element).epoch;
  auto behind = queue.end();  // the watermarks and statuses at the end of the queue
  while (behind != queue.begin()) {
    const ChannelElement& before = std::prev(behind)->element;
    if (!IsWatermark(before) && !IsStatus(before)) break;
    --behind;
  }
  const Barrier* earlier =
      behind == queue.begin() ? nullptr : std::get_if<Barrier>(&std::prev(behind)->element);
  if (earlier != nullptr) {
    if (epoch <= earlier->epoch) return;
    std::vector<QueuedElement> between(std::make_move_iterator(behind),
                                       std::make_move_iterator(queue.end()));
    queue.erase(std::prev(behind), queue.end());
    for (QueuedElement& one : between) AppendTime(std::move(one), queue);
  }
  queue.push_back(std::move(later));
}

}  // namespace

void Append(QueuedElement later, std::deque<QueuedElement>& queue) {
  if (std::holds_alternative<Barrier>(later.element)) return AppendBarrier(std::move(later), queue);
  if (IsWatermark(later.element) || IsStatus(later.element)) {
    return AppendTime(std::move(later), queue);
  }
  queue.push_back(std::move(later));
}

}  // namespace weir::taskmanager
