#pragma once

#include <algorithm>
#include <cstddef>

namespace weir::taskmanager {

/// What a channel's queue takes before it has no room: the same part of a worker's budget for each
/// of its channels, within bounds. All together take at most
///     max(budget_bytes, channels * kLeastChannelCapacity),
/// and each the batch that fills it (docs/protocols/exchange.md, X2).
constexpr size_t kLeastChannelCapacity = 64u << 10;
constexpr size_t kMostChannelCapacity = 2u << 20;

constexpr size_t ChannelCapacity(size_t budget_bytes, size_t channels) {
  return std::clamp(budget_bytes / std::max<size_t>(channels, 1), kLeastChannelCapacity,
                    kMostChannelCapacity);
}

}  // namespace weir::taskmanager
