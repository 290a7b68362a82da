#include "common/net/grpc_authorizer.h"

#include "absl/strings/string_view.h"

#include "common/net/protocol_check.h"

namespace weir {

GrpcAuthorizer::GrpcAuthorizer(const std::string& token) : check_(token) {}

grpc::Status GrpcAuthorizer::Check(const grpc::ServerContextBase& context) const {
  const auto header = context.client_metadata().find(TokenCheck::kHeader);
  absl::string_view value;
  if (header != context.client_metadata().end()) {
    value = absl::string_view(header->second.data(), header->second.size());
  }
  const absl::Status status = check_.Check(value);
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAUTHENTICATED, std::string(status.message()));
}

grpc::Status CheckProtocolOf(const grpc::ServerContextBase& context) {
  const auto header = context.client_metadata().find(kProtocolHeader);
  if (header == context.client_metadata().end()) return grpc::Status::OK;
  const absl::Status status = CheckProtocolHeader({header->second.data(), header->second.size()},
                                                  "the client", "this JobManager");
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::FAILED_PRECONDITION, std::string(status.message()));
}

void AddToken(const std::string& token, grpc::ClientContext& context) {
  if (!token.empty()) context.AddMetadata(TokenCheck::kHeader, TokenCheck::HeaderValue(token));
}

}  // namespace weir
