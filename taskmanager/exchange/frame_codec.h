#pragma once

#include <cstddef>
#include <vector>

#include "absl/status/statusor.h"

#include "common/types/buffer.h"
#include "common/types/schema.h"
#include "taskmanager/exchange/frame_header.h"
#include "taskmanager/task/channel.h"

namespace weir::taskmanager {

/// The length of the frame that carries this batch: what credits count.
size_t BatchFrameBytes(const Batch& batch);

/// Appends the frame of `element` to a message, or, without an element, one that tells the backlog.
/// `header` gives link, channel, sequence and pushed bytes; kind and length are set here. Larger
/// buffers of a batch are shared, not copied.
///
/// Threads: any.
void AppendFrame(FrameHeader header, const ChannelElement* element, std::vector<Buffer>* message);

/// The element of a frame that is not a backlog. `payload` is what CopyPayload made, and belongs to
/// the batch from now on, also while offsets are rewritten in place: the caller has no copy in use.
///
/// Errors: DATA_LOSS naming the channel and what does not fit, whatever the bytes are.
absl::StatusOr<ChannelElement> DecodeFrame(const FrameHeader& header, const SchemaPtr& schema,
                                           Buffer payload);

}  // namespace weir::taskmanager
