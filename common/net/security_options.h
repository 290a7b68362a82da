#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "common/config/config.h"

namespace weir {

/// How a process proves who it is and checks who calls (options security.*). The same options serve
/// a process as client and as server. Files are PEM.
///
/// TLS is on when a certificate (for servers) or a CA (for clients) is named. Without TLS and token
/// a process listens on loopback addresses only, unless `insecure`.
struct SecurityOptions {
  std::string certificate_file;  // chain of this process; a server with TLS needs it
  std::string key_file;
  std::string ca_file;                      // who signs the certificates of the others
  bool require_client_certificate = false;  // mutual TLS; needs `ca_file`
  std::string token;                        // shared secret, sent with every call; empty: none
  bool insecure = false;                    // any address may be bound without TLS and token

  bool tls() const { return !certificate_file.empty() || !ca_file.empty(); }
};

/// From the options security.*; reads the token's file (white space around the token is dropped).
/// INVALID_ARGUMENT naming the file when that cannot be read or is empty. Blocks on the disk.
absl::StatusOr<SecurityOptions> ReadSecurityOptions(const Config& config);

}  // namespace weir
