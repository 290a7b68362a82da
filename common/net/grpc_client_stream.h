#pragma once

#include <memory>
#include <string>

#include "common/exec/executor.h"
#include "common/net/grpc_channel_factory.h"
#include "common/net/message_stream.h"

namespace weir {

/// Opens a control stream to the server at `address` over a connection of its own; on_connected or
/// on_broken tells the outcome. The executor must live until the stream is destroyed; the factory
/// only during the call.
std::unique_ptr<MessageStream> ConnectGrpcStream(const GrpcChannelFactory& factory,
                                                 const std::string& address, Executor& executor,
                                                 MessageStreamCallbacks callbacks,
                                                 MessageStreamOptions options = {});

}  // namespace weir
