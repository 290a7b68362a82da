#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "common/net/security_options.h"

namespace weir {

struct FreeOfOpenSsl {
  void operator()(X509* certificate) const;
  void operator()(EVP_PKEY* key) const;
  void operator()(X509_STORE* store) const;
};

/// What the files of SecurityOptions held when they were read together: as text, which gRPC takes,
/// and parsed. What is not named is empty. A certificate that is named can be served with the key.
///
/// Threads: any, it is immutable; OpenSSL counts references to its parts under locks of its own.
struct TlsMaterial {
  // PEM.
  std::string certificate;  // with its chain
  std::string key;
  std::string authorities;

  std::unique_ptr<X509, FreeOfOpenSsl> leaf;
  std::vector<std::unique_ptr<X509, FreeOfOpenSsl>> chain;  // above the leaf
  std::unique_ptr<EVP_PKEY, FreeOfOpenSsl> private_key;
  std::unique_ptr<X509_STORE, FreeOfOpenSsl> store;  // of the authorities

  // Of the leaf.
  std::string serial;  // as `openssl x509 -serial` shows it
  absl::Time not_before = absl::InfinitePast();
  absl::Time not_after = absl::InfiniteFuture();
};

/// Reads and checks the files; `known` itself is returned where they hold the same. What is wrong
/// is looked at a second time at once: the files may have been replaced between two of them.
/// INVALID_ARGUMENT names the option and the file that cannot be read, is cut short, or does not
/// go with the other. Blocks on the disk. Threads: any.
absl::StatusOr<std::shared_ptr<const TlsMaterial>> ReadTlsMaterial(
    const SecurityOptions& security, const std::shared_ptr<const TlsMaterial>& known = nullptr);

}  // namespace weir
