#pragma once

#include <memory>

#include "proto/exchange.grpc.pb.h"
#include "taskmanager/exchange/exchange_secret.h"
#include "taskmanager/exchange/exchange_transport.h"

namespace weir::taskmanager {

/// The accepting side of the exchange: turns every authenticated call of Exchange.Open into an
/// IncomingExchange.
///
/// Life cycle: construct; start a server with it; Shutdown; shut the server down; destroy.
/// Connections and incoming ones may outlive it.
/// Threads: as ExchangeTransport; Shutdown from any but gRPC's.
class GrpcExchangeService final
    : public proto::Exchange::WithRawCallbackMethod_Open<proto::Exchange::Service> {
 public:
  explicit GrpcExchangeService(ExchangeSecret secret);
  ~GrpcExchangeService() override;

  /// As ExchangeTransport::SetAcceptor. Without one, callers are refused as UNAVAILABLE.
  void SetAcceptor(ExchangeTransport::Acceptor acceptor);

  /// Ends all calls (their clients see UNAVAILABLE), reports nothing, and refuses new ones.
  void Shutdown();

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(
      grpc::CallbackServerContext* context) override;

 private:
  struct State;
  class Reactor;
  class Connection;
  class Incoming;

  const ExchangeSecret secret_;
  const std::shared_ptr<State> state_;
};

}  // namespace weir::taskmanager
