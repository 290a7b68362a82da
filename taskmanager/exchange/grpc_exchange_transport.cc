#include "taskmanager/exchange/grpc_exchange_transport.h"

#include <utility>

#include "common/base/status_macros.h"
#include "taskmanager/exchange/grpc_exchange_client.h"

namespace weir::taskmanager {

absl::StatusOr<std::unique_ptr<GrpcExchangeTransport>> GrpcExchangeTransport::Create(
    GrpcExchangeTransportOptions options) {
  if (options.secret.empty()) {
    return absl::InvalidArgumentError("the exchange needs a secret, which is empty");
  }
  std::unique_ptr<GrpcChannelFactory> factory =
      GrpcChannelFactory::CreatePinned(std::move(options.certificate), options.windows);
  std::unique_ptr<GrpcExchangeTransport> transport(
      new GrpcExchangeTransport(std::move(factory), ExchangeSecret(std::move(options.secret))));
  for (const std::string& address : options.addresses) {
    WEIR_ASSIGN_OR_RETURN(std::unique_ptr<GrpcServer> server,
                          transport->factory_->StartServer(address, {&transport->service_}));
    transport->servers_.push_back(std::move(server));
  }
  return transport;
}

GrpcExchangeTransport::GrpcExchangeTransport(std::unique_ptr<GrpcChannelFactory> factory,
                                             const ExchangeSecret& secret)
    : factory_(std::move(factory)), service_(secret) {}

GrpcExchangeTransport::~GrpcExchangeTransport() {
  service_.Shutdown();
  servers_.clear();
}

std::vector<std::string> GrpcExchangeTransport::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& server : servers_) addresses.push_back(server->address());
  return addresses;
}

void GrpcExchangeTransport::SetAcceptor(Acceptor acceptor) {
  service_.SetAcceptor(std::move(acceptor));
}

std::unique_ptr<ExchangeConnection> GrpcExchangeTransport::Connect(
    const ExchangeAddress& peer, const ExchangeHello& hello,
    ExchangeConnectionCallbacks callbacks) {
  return ConnectGrpcExchange(*factory_, peer, hello, std::move(callbacks));
}

}  // namespace weir::taskmanager
