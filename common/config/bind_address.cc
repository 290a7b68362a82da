#include "common/config/bind_address.h"

#include <arpa/inet.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "common/config/options.h"

namespace weir {
namespace {

// Without port and brackets.
std::string HostOf(absl::string_view address) {
  if (absl::StartsWith(address, "[")) {
    const size_t end = address.find(']');
    return std::string(end == absl::string_view::npos ? address : address.substr(1, end - 1));
  }
  const size_t colon = address.find(':');
  // More than one colon without brackets: an IPv6 address alone.
  if (colon == absl::string_view::npos || address.find(':', colon + 1) != absl::string_view::npos) {
    return std::string(address);
  }
  return std::string(address.substr(0, colon));
}

}  // namespace

BindSecurity BindSecurity::FromConfig(const Config& config) {
  BindSecurity security;
  security.tls = !config.Get(options::kSecurityTlsCertificateFile).empty() &&
                 !config.Get(options::kSecurityTlsKeyFile).empty();
  security.token = !config.Get(options::kSecurityTokenFile).empty();
  security.insecure = config.Get(options::kSecurityInsecure);
  return security;
}

bool IsLoopbackAddress(absl::string_view address) {
  const std::string host = HostOf(address);
  if (absl::EqualsIgnoreCase(host, "localhost")) return true;
  in_addr v4 = {};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6 = {};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

absl::Status CheckHostPort(absl::string_view option, absl::string_view address, int least_port) {
  const size_t colon = address.rfind(':');
  int port = -1;
  const bool valid = colon != absl::string_view::npos && colon > 0 &&
                     absl::SimpleAtoi(address.substr(colon + 1), &port) && port >= least_port &&
                     port <= 65535;
  if (valid) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(option, " is '", address,
                                                 "'; HOST:PORT with a port from ", least_port,
                                                 " to 65535 is expected"));
}

absl::Status CheckBindAddress(absl::string_view option, absl::string_view address,
                              const BindSecurity& security) {
  if (IsLoopbackAddress(address) || security.insecure) return absl::OkStatus();
  if (security.tls && security.token) return absl::OkStatus();
  const absl::string_view missing = security.tls     ? "security.token-file"
                                    : security.token ? "security.tls.certificate-file and "
                                                       "security.tls.key-file"
                                                     : "security.tls.certificate-file, "
                                                       "security.tls.key-file and "
                                                       "security.token-file";
  return absl::InvalidArgumentError(absl::StrCat(
      option, " is '", address, "', which is reachable from outside this machine: set ", missing,
      ", or set security.insecure to let anybody who reaches the port run programs"));
}

}  // namespace weir
