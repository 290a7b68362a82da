#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/impl/service_type.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/support/channel_arguments.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/net/grpc_authorizer.h"
#include "common/net/security_options.h"
#include "common/net/self_signed_certificate.h"

namespace weir {

class TlsCertificates;
class TlsCertificateWatch;

/// A listening server. Shutdown before the services it was started with are destroyed.
class GrpcServer {
 public:
  /// `credentials`: those it listens with, which live as long as connections are accepted.
  GrpcServer(std::unique_ptr<grpc::Server> server, std::string address,
             std::shared_ptr<grpc::ServerCredentials> credentials);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  /// Where it listens, with the port it got: "127.0.0.1:40112", "unix:/path".
  const std::string& address() const { return address_; }

  /// Takes no more calls, cancels those that last longer than kShutdownGrace, and returns when all
  /// have ended. Not from a thread that has to end one of them.
  void Shutdown();

  static constexpr absl::Duration kShutdownGrace = absl::Milliseconds(300);

 private:
  const std::shared_ptr<grpc::ServerCredentials> credentials_;
  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

/// How gRPC bounds what is on its way on a connection, below any flow control of the application.
struct GrpcWindows {
  /// It sizes its windows by probing how much is on its way in a round trip (BDP probe).
  bool probed = true;
  /// Without the probe: of a stream. 0: gRPC's default, 64 KiB.
  int stream_bytes = 0;
};

/// The one maker of channels and listening ports, so that TLS, tokens, keepalive, reconnect and
/// size limits are decided in one place. Plaintext unless the options name certificates; "unix:"
/// addresses are always plaintext, the directory's permissions guard them, and "unix-abstract:"
/// ones are for services that check a secret.
///
/// Certificates, key and authorities are read again when their files change, while the factory
/// lives (TlsCertificateWatch). Channels that are made later and connections that servers accept
/// later have the new ones, what is connected goes on. A channel keeps those it was made with:
/// whoever fails to connect makes another.
///
/// Threads: any. Immutable after Create, but for the certificates. Outlives nothing that it makes.
class GrpcChannelFactory {
 public:
  /// How often the files are looked at for others.
  static constexpr absl::Duration kReloadInterval = absl::Seconds(5);

  /// Reads the files. INVALID_ARGUMENT naming the file or option that is wrong.
  static absl::StatusOr<std::unique_ptr<GrpcChannelFactory>> Create(
      SecurityOptions options, absl::Duration reload_interval = kReloadInterval);
  ~GrpcChannelFactory();
  GrpcChannelFactory(const GrpcChannelFactory&) = delete;
  GrpcChannelFactory& operator=(const GrpcChannelFactory&) = delete;

  /// A process that shows this certificate where it listens.
  static std::unique_ptr<GrpcChannelFactory> CreatePinned(SelfSignedCertificate own,
                                                          const GrpcWindows& windows);
  /// The name in certificates that are pinned.
  static constexpr char kPinnedName[] = "weir";

  /// A channel with a connection of its own, so that its first attempt is made at once and later
  /// ones 50 ms to 1 s apart, whatever happened to earlier channels to this address. Never fails;
  /// calls on it do.
  std::shared_ptr<grpc::Channel> CreateChannel(const std::string& address) const;
  /// The same, to whoever has the key of this certificate (PEM, for kPinnedName), encrypted.
  std::shared_ptr<grpc::Channel> CreatePinnedChannel(const std::string& address,
                                                     const std::string& certificate) const;

  /// What every call made by this process carries.
  void Authorize(grpc::ClientContext& context) const;
  /// Checks the calls that this process gets; for "unix:" services use GrpcAuthorizer("").
  const GrpcAuthorizer& authorizer() const { return authorizer_; }
  /// Those of the options; null when these name none. For who speaks TLS without gRPC.
  const std::shared_ptr<TlsCertificates>& certificates() const { return certificates_; }

  /// Listens at "host:port" (port 0: any) or "unix:/path". Reflection is on. The address has been
  /// allowed by CheckBindAddress. UNAVAILABLE naming address and reason, e.g. a port that is taken.
  absl::StatusOr<std::unique_ptr<GrpcServer>> StartServer(
      const std::string& address, const std::vector<grpc::Service*>& services) const;

 private:
  explicit GrpcChannelFactory(SecurityOptions options);

  grpc::ChannelArguments ChannelArguments() const;
  absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerCredentialsAt(
      const std::string& address) const;

  SecurityOptions options_;
  GrpcWindows windows_;
  GrpcAuthorizer authorizer_;
  SelfSignedCertificate pinned_;  // of CreatePinned
  std::shared_ptr<TlsCertificates> certificates_;
  std::unique_ptr<TlsCertificateWatch> watch_;
};

}  // namespace weir
