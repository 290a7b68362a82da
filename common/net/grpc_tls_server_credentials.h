#pragma once

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "common/net/tls_certificates.h"

namespace weir {

enum class ClientCertificate {
  kNotAskedFor,
  kRequired,  // and checked against the authorities
};

/// As grpc::SslServerCredentials, but each connection that is accepted is served with the
/// certificates of that time. For one port; they live until the server accepts no more, which the
/// server itself does not see to. The certificates are named in the options.
///
/// Threads: gRPC's. A connection that is accepted waits for nothing but a lock.
std::shared_ptr<grpc::ServerCredentials> TlsServerCredentials(
    std::shared_ptr<const TlsCertificates> certificates, ClientCertificate client_certificate);

}  // namespace weir
