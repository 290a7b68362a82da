#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <string>

#include "common/net/token_check.h"

namespace weir {

/// Checks the token of every call a server gets. Each method of each service asks first thing;
/// reflection alone answers without (it tells no more than the public schema).
///
/// Threads: any. Immutable.
class GrpcAuthorizer {
 public:
  /// An empty token admits every call.
  explicit GrpcAuthorizer(const std::string& token);

  /// OK or UNAUTHENTICATED with one sentence. Takes the same time for every wrong token.
  grpc::Status Check(const grpc::ServerContextBase& context) const;

 private:
  const TokenCheck check_;
};

/// Of a call to the client service: FAILED_PRECONDITION when the caller says that it speaks other
/// protocol versions (protocol_check.h).
grpc::Status CheckProtocolOf(const grpc::ServerContextBase& context);

/// Adds the token to a call about to be made; nothing when it is empty.
void AddToken(const std::string& token, grpc::ClientContext& context);

}  // namespace weir
