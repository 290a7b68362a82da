#include "common/net/token_check.h"

#include "absl/strings/str_cat.h"

#include "common/base/sha256.h"

namespace weir {
namespace {

// Both are digests, hence of one length.
bool EqualInConstantTime(const std::string& left, const std::string& right) {
  unsigned difference = left.size() == right.size() ? 0 : 1;
  for (size_t i = 0; i < left.size() && i < right.size(); ++i) {
    difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
  }
  return difference == 0;
}

}  // namespace

TokenCheck::TokenCheck(const std::string& token)
    : expected_(token.empty() ? std::string() : Sha256Hex(HeaderValue(token))) {}

absl::Status TokenCheck::Check(absl::string_view header_value) const {
  if (expected_.empty()) return absl::OkStatus();
  if (header_value.empty()) {
    return absl::UnauthenticatedError(
        "this cluster asks for a token, and the call carries none (security.token-file)");
  }
  if (EqualInConstantTime(Sha256Hex(header_value), expected_)) return absl::OkStatus();
  return absl::UnauthenticatedError(
      "the token of the call is not the one of this cluster (security.token-file)");
}

std::string TokenCheck::HeaderValue(const std::string& token) {
  return absl::StrCat("Bearer ", token);
}

}  // namespace weir
