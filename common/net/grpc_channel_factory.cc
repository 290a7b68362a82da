#include "common/net/grpc_channel_factory.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/base/log.h"
#include "common/base/status_macros.h"
#include "common/net/grpc_tls_server_credentials.h"
#include "common/net/message_stream.h"
#include "common/net/protocol_check.h"
#include "common/net/tls_certificates.h"

namespace weir {
namespace {

constexpr char kUnixPrefix[] = "unix:";
constexpr char kAbstractPrefix[] = "unix-abstract:";
constexpr int kKeepaliveTimeMs = 10'000;
constexpr int kKeepaliveTimeoutMs = 10'000;
constexpr int kLeastPingIntervalMs = 1'000;
constexpr int kInitialReconnectBackoffMs = 50;
constexpr int kMaxReconnectBackoffMs = 1'000;
constexpr int kConnectTimeoutMs = 5'000;  // what gRPC makes of the "least" reconnect backoff

// No one from outside this machine comes in there.
bool IsLocalSocket(const std::string& address) {
  return absl::StartsWith(address, kUnixPrefix) || absl::StartsWith(address, kAbstractPrefix);
}

// gRPC writes to stderr on its own, also what our callers report in their own words. What it says
// before it aborts must be seen.
void LogFromGrpc(gpr_log_func_args* arguments) {
  const absl::string_view text(arguments->message);
  if (absl::StrContains(text, "assertion failed")) {
    LogError("gRPC aborts", {{"text", text}, {"file", arguments->file}, {"line", arguments->line}});
  } else {
    LogDebug("gRPC says", {{"text", text}});
  }
}

// Before gRPC starts, which reads the variable then; what the user has set wins. Names mean what
// they mean to every other program of the machine (getaddrinfo). gRPC's own resolver asks the name
// server for each kind of address, and a name of /etc/hosts waits for the answer: 3 s, where none
// listens.
void SetUpGrpc() {
  gpr_set_log_function(&LogFromGrpc);
  setenv("GRPC_DNS_RESOLVER", "native", /*overwrite=*/0);
}

grpc::ChannelArguments ChannelArgumentsOfAll() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, kInitialReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetMaxSendMessageSize(kMaxMessageBytes);
  return arguments;
}

// What bind() says about the address: gRPC logs it and returns nothing.
std::string ListenFailure(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (absl::StartsWith(address, kUnixPrefix)) {
    const std::string path = address.substr(strlen(kUnixPrefix));
    if (path.size() >= sizeof(sockaddr_un::sun_path)) return "the path is too long for a socket";
    const int error = access(path.substr(0, path.rfind('/')).c_str(), W_OK) == 0 ? 0 : errno;
    return error == 0 ? "the socket cannot be made" : strerror(error);
  }
  std::string host = address.substr(0, colon);
  if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
  addrinfo hints = {};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = colon == std::string::npos ? "" : address.substr(colon + 1);
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return gai_strerror(error);
  }
  std::string reason = "the port cannot be opened";
  const int probe = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (bind(probe, found->ai_addr, found->ai_addrlen) != 0) reason = strerror(errno);
  if (probe >= 0) close(probe);
  freeaddrinfo(found);
  return reason;
}

}  // namespace

GrpcServer::GrpcServer(std::unique_ptr<grpc::Server> server, std::string address,
                       std::shared_ptr<grpc::ServerCredentials> credentials)
    : credentials_(std::move(credentials)),
      server_(std::move(server)),
      address_(std::move(address)) {}

GrpcServer::~GrpcServer() { Shutdown(); }

void GrpcServer::Shutdown() {
  if (server_ == nullptr) return;
  server_->Shutdown(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kShutdownGrace));
  server_->Wait();
  server_.reset();
}

GrpcChannelFactory::GrpcChannelFactory(SecurityOptions options)
    : options_(std::move(options)), authorizer_(options_.token) {}

GrpcChannelFactory::~GrpcChannelFactory() = default;

absl::StatusOr<std::unique_ptr<GrpcChannelFactory>> GrpcChannelFactory::Create(
    SecurityOptions options, absl::Duration reload_interval) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return absl::InvalidArgumentError(
        "security.tls.certificate-file and security.tls.key-file are given together or not at all");
  }
  if (options.require_client_certificate && options.ca_file.empty()) {
    return absl::InvalidArgumentError(
        "security.tls.require-client-certificate needs security.tls.ca-file");
  }
  SetUpGrpc();
  std::unique_ptr<GrpcChannelFactory> factory(new GrpcChannelFactory(std::move(options)));
  const SecurityOptions& given = factory->options_;
  if (given.tls()) {
    WEIR_ASSIGN_OR_RETURN(factory->certificates_, TlsCertificates::Create(given));
    factory->watch_ =
        std::make_unique<TlsCertificateWatch>(factory->certificates_, reload_interval);
  }
  return factory;
}

void GrpcChannelFactory::Authorize(grpc::ClientContext& context) const {
  AddToken(options_.token, context);
  context.AddMetadata(kProtocolHeader, ProtocolHeaderValue());
}

std::unique_ptr<GrpcChannelFactory> GrpcChannelFactory::CreatePinned(SelfSignedCertificate own,
                                                                     const GrpcWindows& windows) {
  SetUpGrpc();
  std::unique_ptr<GrpcChannelFactory> factory(new GrpcChannelFactory({}));
  factory->pinned_ = std::move(own);
  factory->windows_ = windows;
  return factory;
}

std::shared_ptr<grpc::Channel> GrpcChannelFactory::CreateChannel(const std::string& address) const {
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (certificates_ != nullptr && !IsLocalSocket(address)) {
    const std::shared_ptr<const TlsMaterial> material = certificates_->current();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = material->authorities;
    tls.pem_cert_chain = material->certificate;
    tls.pem_private_key = material->key;
    credentials = grpc::SslCredentials(tls);
  } else {
    credentials = grpc::InsecureChannelCredentials();
  }
  return grpc::CreateCustomChannel(address, credentials, ChannelArguments());
}

grpc::ChannelArguments GrpcChannelFactory::ChannelArguments() const {
  grpc::ChannelArguments arguments = ChannelArgumentsOfAll();
  arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, windows_.probed ? 1 : 0);
  if (windows_.stream_bytes > 0) {
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, windows_.stream_bytes);
  }
  return arguments;
}

std::shared_ptr<grpc::Channel> GrpcChannelFactory::CreatePinnedChannel(
    const std::string& address, const std::string& certificate) const {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = certificate;
  grpc::ChannelArguments arguments = ChannelArguments();
  arguments.SetSslTargetNameOverride(kPinnedName);
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(tls), arguments);
}

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> GrpcChannelFactory::ServerCredentialsAt(
    const std::string& address) const {
  if (IsLocalSocket(address)) return grpc::InsecureServerCredentials();
  if (!pinned_.certificate.empty()) {
    grpc::SslServerCredentialsOptions tls(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
    tls.pem_key_cert_pairs.push_back({pinned_.key, pinned_.certificate});
    return grpc::SslServerCredentials(tls);
  }
  if (certificates_ == nullptr) return grpc::InsecureServerCredentials();
  if (options_.certificate_file.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("listening at ", address, " with TLS needs security.tls.certificate-file"));
  }
  return TlsServerCredentials(certificates_, options_.require_client_certificate
                                                 ? ClientCertificate::kRequired
                                                 : ClientCertificate::kNotAskedFor);
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcChannelFactory::StartServer(
    const std::string& address, const std::vector<grpc::Service*>& services) const {
  WEIR_ASSIGN_OR_RETURN(std::shared_ptr<grpc::ServerCredentials> credentials,
                        ServerCredentialsAt(address));
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kLeastPingIntervalMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, windows_.probed ? 1 : 0);
  if (windows_.stream_bytes > 0) {
    builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, windows_.stream_bytes);
  }
  builder.SetMaxReceiveMessageSize(kMaxMessageBytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  int port = 0;
  builder.AddListeningPort(address, credentials, &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen at ", address, ": ", ListenFailure(address)));
  }
  std::string bound = address;
  if (!IsLocalSocket(address))
    bound = absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
  return std::make_unique<GrpcServer>(std::move(server), std::move(bound), std::move(credentials));
}

}  // namespace weir
