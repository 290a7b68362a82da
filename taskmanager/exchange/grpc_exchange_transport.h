#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "common/net/grpc_channel_factory.h"
#include "common/net/self_signed_certificate.h"
#include "taskmanager/exchange/exchange_secret.h"
#include "taskmanager/exchange/exchange_transport.h"
#include "taskmanager/exchange/grpc_exchange_service.h"

namespace weir::taskmanager {

struct GrpcExchangeTransportOptions {
  /// Where to listen: "unix:/path" in the worker's directory, "host:port" (port 0: any), or both.
  /// A path is shorter than 108 bytes.
  std::vector<std::string> addresses;
  std::string secret;  // what callers have to know
  /// For GrpcChannelFactory::kPinnedName. Where it listens at a port; empty: plain text.
  SelfSignedCertificate certificate;
  /// What is on its way is bounded by credits, whatever these are (docs/protocols/exchange.md).
  GrpcWindows windows;
};

/// The exchange over gRPC: keepalive, reconnect and message limits are those of GrpcChannelFactory.
///
/// Life cycle and threads: as ExchangeTransport; destroyed on none of gRPC's threads.
class GrpcExchangeTransport final : public ExchangeTransport {
 public:
  /// Listens. INVALID_ARGUMENT without a secret; UNAVAILABLE naming the address that is not to be
  /// had.
  static absl::StatusOr<std::unique_ptr<GrpcExchangeTransport>> Create(
      GrpcExchangeTransportOptions options);
  ~GrpcExchangeTransport() override;

  /// As the options have them, with the ports that were got. Peers on this host take the Unix
  /// socket.
  std::vector<std::string> addresses() const;

  void SetAcceptor(Acceptor acceptor) override;
  std::unique_ptr<ExchangeConnection> Connect(const ExchangeAddress& peer,
                                              const ExchangeHello& hello,
                                              ExchangeConnectionCallbacks callbacks) override;

 private:
  GrpcExchangeTransport(std::unique_ptr<GrpcChannelFactory> factory, const ExchangeSecret& secret);

  const std::unique_ptr<GrpcChannelFactory> factory_;
  GrpcExchangeService service_;
  std::vector<std::unique_ptr<GrpcServer>> servers_;
};

}  // namespace weir::taskmanager
