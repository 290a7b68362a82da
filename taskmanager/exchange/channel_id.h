#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

#include "common/base/ids.h"
#include "common/base/stable_hash.h"

namespace weir::taskmanager {

/// One channel of a generation: an edge of the job graph, from one subtask of its producer to one
/// of its consumer. Whoever plans the job numbers the edges.
struct ChannelId {
  uint64_t edge = 0;
  uint32_t from = 0;
  uint32_t to = 0;
  auto operator<=>(const ChannelId&) const = default;

  std::string ToString() const {
    return absl::StrCat("channel of edge ", edge, " from subtask ", from, " to ", to);
  }
};

/// A process start of a worker, as frames carry it.
inline uint64_t IncarnationOf(const WorkerId& worker) { return StableHash64(worker.value()); }

/// What a frame or grant has to carry to be of a link: anything else is stale.
struct LinkIdentity {
  Generation generation;
  uint64_t sender = 0;    // incarnation of the worker that produces
  uint64_t receiver = 0;  // and of the one that consumes
  auto operator<=>(const LinkIdentity&) const = default;
};

/// What the consumer's side tells about a channel: totals in bytes, which only rise
/// (docs/protocols/exchange.md).
struct GrantLevels {
  uint64_t granted = 0;
  uint64_t consumed = 0;
  uint64_t exclusive = 0;  // the channel's share, which does not change
  auto operator<=>(const GrantLevels&) const = default;
};

}  // namespace weir::taskmanager
