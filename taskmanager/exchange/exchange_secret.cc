#include "taskmanager/exchange/exchange_secret.h"

#include <utility>

#include "common/base/check.h"
#include "common/base/sha256.h"

namespace weir::taskmanager {

ExchangeSecret::ExchangeSecret(std::string secret)
    : secret_(std::move(secret)), digest_(Sha256Hex(secret_)) {
  WEIR_CHECK(!secret_.empty()) << "the workers of a job share a secret";
}

absl::Status ExchangeSecret::Check(absl::string_view presented) const {
  const std::string digest = Sha256Hex(presented);  // of one length, whatever was presented
  unsigned difference = 0;
  for (size_t i = 0; i < digest.size(); ++i) {
    difference |= static_cast<unsigned char>(digest[i] ^ digest_[i]);
  }
  if (difference == 0) return absl::OkStatus();
  return absl::UnauthenticatedError(
      "the secret of the call is not the one that the workers of this job share");
}

}  // namespace weir::taskmanager
