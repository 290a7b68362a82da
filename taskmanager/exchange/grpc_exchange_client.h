#pragma once

#include <memory>
#include <string>

#include "common/net/grpc_channel_factory.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// Calls the exchange of a worker, over a connection of its own. The factory is used during the
/// call only.
std::unique_ptr<ExchangeConnection> ConnectGrpcExchange(const GrpcChannelFactory& factory,
                                                        const ExchangeAddress& peer,
                                                        const ExchangeHello& hello,
                                                        ExchangeConnectionCallbacks callbacks);

}  // namespace weir::taskmanager
