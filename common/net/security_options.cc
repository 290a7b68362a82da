#include "common/net/security_options.h"

#include <fstream>
#include <sstream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "common/base/status_macros.h"
#include "common/config/options.h"

namespace weir {
namespace {

absl::StatusOr<std::string> ReadToken(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream contents;
  if (!file || !(contents << file.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read security.token-file '", path, "'"));
  }
  std::string token(absl::StripAsciiWhitespace(contents.str()));
  if (token.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("security.token-file '", path, "' is empty"));
  }
  return token;
}

}  // namespace

absl::StatusOr<SecurityOptions> ReadSecurityOptions(const Config& config) {
  SecurityOptions security;
  security.certificate_file = config.Get(options::kSecurityTlsCertificateFile);
  security.key_file = config.Get(options::kSecurityTlsKeyFile);
  security.ca_file = config.Get(options::kSecurityTlsCaFile);
  security.require_client_certificate = config.Get(options::kSecurityTlsRequireClientCertificate);
  security.insecure = config.Get(options::kSecurityInsecure);
  const std::string token_file = config.Get(options::kSecurityTokenFile);
  if (!token_file.empty()) {
    WEIR_ASSIGN_OR_RETURN(security.token, ReadToken(token_file));
  }
  return security;
}

}  // namespace weir
