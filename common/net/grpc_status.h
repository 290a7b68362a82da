#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace weir {

/// absl::Status and grpc::Status have the same codes; the message goes over as it is. The leader's
/// address (common/net/leader_redirect.h) travels as trailing metadata of the call.
grpc::Status ToGrpcStatus(const absl::Status& status);
grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase& context);

/// gRPC's own text for a connection that could not be made is cut to its last part, the reason of
/// the operating system. CANCELLED becomes UNAVAILABLE: we do not wait for calls that we cancel, so
/// it was a server that shut down in the middle of the call.
absl::Status FromGrpcStatus(const grpc::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context);

}  // namespace weir
