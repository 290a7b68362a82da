#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

#include "common/config/config.h"

namespace weir {

/// What protects a port.
struct BindSecurity {
  bool tls = false;
  bool token = false;
  bool insecure = false;  // security.insecure: the user takes the risk

  static BindSecurity FromConfig(const Config& config);
};

/// Is "host:port" ("[::1]:6123" for IPv6; host alone is fine, too) reachable from this machine
/// only? 127.0.0.0/8, ::1 and "localhost"; every other name counts as reachable from outside.
bool IsLoopbackAddress(absl::string_view address);

/// "host:port" with a port from `least_port` to 65535, else INVALID_ARGUMENT naming the option.
absl::Status CheckHostPort(absl::string_view option, absl::string_view address, int least_port);

/// A job is an uploaded executable, so an open port is a door to the machine: INVALID_ARGUMENT,
/// one sentence, when `address` is not loopback and has not both TLS and a token, unless
/// `insecure`. `option` is the key of the option that holds the address, for the message.
absl::Status CheckBindAddress(absl::string_view option, absl::string_view address,
                              const BindSecurity& security);

}  // namespace weir
