#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

/// A key, and a certificate that it has signed itself, both PEM. Who is given the certificate over
/// a connection that is trusted can be sure to reach the one who has the key, and nobody listens.
struct SelfSignedCertificate {
  std::string certificate;
  std::string key;
};

/// ECDSA on P-256, for the DNS name `name`, valid from an hour before `now` for ten years: it lives
/// as long as the process that made it up. INTERNAL when OpenSSL refuses. Threads: any.
absl::StatusOr<SelfSignedCertificate> MakeSelfSignedCertificate(const std::string& name,
                                                                absl::Time now);

}  // namespace weir
