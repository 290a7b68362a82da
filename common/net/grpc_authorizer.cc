#include "common/net/grpc_authorizer.h"

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"

namespace weir {
namespace {

constexpr char kHeader[] = "authorization";
constexpr char kScheme[] = "Bearer ";

// Both are digests, hence of one length.
bool EqualInConstantTime(const std::string& left, const std::string& right) {
  unsigned difference = left.size() == right.size() ? 0 : 1;
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
  }
  return difference == 0;
}

}  // namespace

GrpcAuthorizer::GrpcAuthorizer(const std::string& token)
    : expected_(token.empty() ? std::string() : Sha256Hex(absl::StrCat(kScheme, token))) {}

grpc::Status GrpcAuthorizer::Check(const grpc::ServerContextBase& context) const {
  if (expected_.empty()) return grpc::Status::OK;
  const auto header = context.client_metadata().find(kHeader);
  if (header == context.client_metadata().end()) {
    return grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                        "this cluster asks for a token, and the call carries none "
                        "(security.token-file)");
  }
  const absl::string_view value(header->second.data(), header->second.size());
  if (EqualInConstantTime(Sha256Hex(value), expected_)) return grpc::Status::OK;
  return grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                      "the token of the call is not the one of this cluster "
                      "(security.token-file)");
}

void AddToken(const std::string& token, grpc::ClientContext& context) {
  if (!token.empty()) context.AddMetadata(kHeader, absl::StrCat(kScheme, token));
}

}  // namespace weir
