#pragma once

#include <cstddef>
#include <deque>

#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

/// What waits in a channel, of either kind.
struct QueuedElement {
  ChannelElement element;
  size_t bytes = 0;  // of a batch, as its channel counts them; 0: control
};

/// Control elements wait for nothing and have no bytes. This many stand in a row at most, with no
/// batch and no end of input between them: a watermark, the last one of all and a status, then a
/// barrier, then the first three once more.
constexpr size_t kMaxControlInARow = 7;

/// Puts `later` at the end of a queue, in place of what it makes meaningless there
/// (docs/protocols/exchange.md, How much control waits):
/// - a watermark: of the watermark and the statuses directly before it. The last one of all leaves
///   the watermark, which says how far the producer had come: an InputGate has to know;
/// - a status: of the status directly before it;
/// - a barrier: of one of an earlier epoch with no batch and no end of input between. What stands
///   between them follows what was before the earlier one then, by the rules above.
///
/// A barrier that is not newer than the last one of such a row is dropped itself: nobody waits for
/// it, and a producer gives none.
void Append(QueuedElement later, std::deque<QueuedElement>& queue);

}  // namespace weir::taskmanager
