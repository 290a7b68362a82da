#include "common/net/grpc_status.h"

#include <optional>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "common/net/leader_redirect.h"

namespace weir {
namespace {

constexpr char kLeaderMetadata[] = "weir-leader-address";

// "failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: Failed to connect to
// remote host: Connection refused" -> "Connection refused".
std::string ReadableMessage(const std::string& message) {
  if (!absl::StrContains(message, "failed to connect to all addresses")) return message;
  const size_t colon = message.rfind(": ");
  return colon == std::string::npos ? message : message.substr(colon + 2);
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

grpc::Status ToGrpcStatus(const absl::Status& status, grpc::ServerContextBase& context) {
  const std::optional<std::string> leader = LeaderAddressOf(status);
  if (leader.has_value()) context.AddTrailingMetadata(kLeaderMetadata, *leader);
  return ToGrpcStatus(status);
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.error_code() == grpc::StatusCode::CANCELLED) {
    return absl::UnavailableError("the call was cut off by the other side, which is shutting down");
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                      ReadableMessage(status.error_message()));
}

absl::Status FromGrpcStatus(const grpc::Status& status, const grpc::ClientContext& context) {
  if (status.error_code() == grpc::StatusCode::FAILED_PRECONDITION) {
    const auto& metadata = context.GetServerTrailingMetadata();
    const auto leader = metadata.find(kLeaderMetadata);
    if (leader != metadata.end()) {
      return NotLeaderError(absl::string_view(leader->second.data(), leader->second.size()));
    }
  }
  return FromGrpcStatus(status);
}

}  // namespace weir
