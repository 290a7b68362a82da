#pragma once

#include <memory>
#include <string>

#include "common/net/grpc_channel_factory.h"
#include "taskmanager/exchange/exchange_secret.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// Calls the exchange of the worker at `address`, over a connection of its own. Factory and secret
/// are used during the call only.
std::unique_ptr<ExchangeConnection> ConnectGrpcExchange(const GrpcChannelFactory& factory,
                                                        const std::string& address,
                                                        const ExchangeHello& hello,
                                                        const ExchangeSecret& secret,
                                                        ExchangeConnectionCallbacks callbacks);

}  // namespace weir::taskmanager
